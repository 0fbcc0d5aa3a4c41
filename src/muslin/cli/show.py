"""Shows events to a person (a bar with rate and ETA, on standard error) or to a program (JSON lines, on standard output)."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click

from muslin.base.errors import MuslinError
from muslin.base.events import Event, Finished, Note, Refused, Saved, Step, Warned


def run(events: Callable[[], Iterator[Event]], as_json: bool) -> None:
    """Consume a long work. Exits with 2 after one line where a MuslinError ends it, with 130 after ctrl-C."""
    follower = int(os.environ.get("RANK", "0")) > 0  # under torchrun the first process speaks
    show = _Silent() if follower else _Lines() if as_json else _Bar()
    try:
        for event in events():
            show.take(event)
    except MuslinError as failure:
        show.close()
        fail(failure, as_json)
    except KeyboardInterrupt:
        show.close()
        click.echo("stopped; what is finished stays, and the same command goes on from there", err=True)
        sys.exit(130)
    show.close()


def fail(failure: MuslinError, as_json: bool = False) -> None:
    """One line, and exit code 2."""
    line = " ".join(str(failure).split())
    click.echo(json.dumps({"event": "error", "text": line}, ensure_ascii=False) if as_json else f"muslin: {line}", err=not as_json)
    sys.exit(2)


class _Lines:
    def take(self, event: Event) -> None:
        click.echo(json.dumps(event.as_dict(), ensure_ascii=False))

    def close(self) -> None:
        pass


class _Silent:
    def take(self, event: Event) -> None:
        pass

    def close(self) -> None:
        pass


class _Bar:
    def __init__(self) -> None:
        self.bar: Any = None
        self.work = ""

    def take(self, event: Event) -> None:
        if isinstance(event, Step):
            self._step(event)
        elif isinstance(event, Refused):
            reason = event.reason.removeprefix(f"{event.path}: ")
            self._say(f"  left out {event.path}: {reason}")
        elif isinstance(event, Warned):
            self._say(f"  note: {event.text}")
        elif isinstance(event, Note):
            self._say(f"  {event.text}")
        elif isinstance(event, Finished):
            self.close()
            took = f" in {event.seconds:.0f} s" if event.seconds >= 1 else ""
            click.echo(f"done{took}: {event.path}", err=True)
        elif isinstance(event, Saved):
            pass  # the bar moves; the last line names what to open

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _step(self, event: Step) -> None:
        from tqdm import tqdm

        if self.bar is None or self.work != event.work:
            self.close()
            self.work = event.work
            form = "{desc:>8} {percentage:3.0f}% |{bar:24}| {n_fmt}/{total_fmt} {rate_fmt} ETA {remaining}{postfix}"
            self.bar = tqdm(
                total=event.total,
                desc=event.work,
                bar_format=form,
                file=sys.stderr,
                initial=max(event.done - 1, 0) if event.work == "train" else 0,
            )
        self.bar.set_postfix({name: f"{value:.3g}" for name, value in event.figures.items()}, refresh=False)
        self.bar.update(event.done - self.bar.n)

    def _say(self, text: str) -> None:
        if self.bar is None:
            click.echo(text, err=True)
        else:
            self.bar.write(text, file=sys.stderr)

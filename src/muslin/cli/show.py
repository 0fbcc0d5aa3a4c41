"""Shows events to a person (a bar with rate and ETA, on standard error) or to a program (JSON lines, on standard output)."""

import json
import math
import os
import sys
import time
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
        self.grid: _Grid | None = None
        self.work = ""
        self.since = time.time()  # when the last step was told of: the work of the next one began then

    def take(self, event: Event) -> None:
        if isinstance(event, Step):
            self._step(event)
            self.since = time.time()
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
        self.bar = self.grid = None

    def _step(self, event: Step) -> None:
        if self.grid is not None and event.part_of == self.work:
            self.grid.inside(event)
        elif event.made is not None:
            self._outer(event, event.made)
        else:
            self._plain(event)

    def _outer(self, event: Step, made: int) -> None:
        if self.grid is None or self.work != event.work:
            if event.total == 1 and event.done == 1:
                return  # a single one, whose own steps were shown
            self._open(event, "{n_fmt}/{total_fmt}{postfix}")
            self.grid = _Grid(self.bar, self.since if event.done else time.time())
        self.grid.take(event, made)

    def _plain(self, event: Step) -> None:
        if self.bar is None or self.grid is not None or self.work != event.work:
            resumed = event.work == "train"  # begins where it was stopped
            self._open(event, "{n_fmt}/{total_fmt} {rate_fmt} ETA {remaining}{postfix}", event.done if resumed else 0)
            self.bar.start_t = self.bar.last_print_t = self.since if event.done and not resumed else time.time()
        self.bar.set_postfix(_short(event), refresh=False)
        self.bar.update(event.done - self.bar.n)

    def _open(self, event: Step, form: str, initial: int = 0) -> None:
        from tqdm import tqdm

        self.close()
        self.work = event.work
        form = "{desc:>8} {percentage:3.0f}% |{bar:24}| " + form
        self.bar = tqdm(total=event.total, desc=event.work, bar_format=form, file=sys.stderr, initial=initial)

    def _say(self, text: str) -> None:
        if self.bar is None:
            click.echo(text, err=True)
        else:
            self.bar.write(text, file=sys.stderr)


class _Grid:
    """One lasting bar for works that are each a work of many steps: seconds for one and ETA go by those that were made."""

    def __init__(self, bar: Any, began: float) -> None:
        self.bar, self.began, self.drawn = bar, began, 0.0
        self.made, self.busy = 0, 0.0  # seconds that went into those made

    def take(self, event: Step, made: int) -> None:
        now = time.time()
        self.busy += now - self.began if made > self.made else 0.0
        self.made, self.began = made, now
        self.bar.n = event.done
        self._draw("")

    def inside(self, event: Step) -> None:
        if time.time() - self.drawn > 0.1:
            figures = "".join(f" {name}={value}" for name, value in _short(event).items())
            self._draw(f"{event.work} {event.done}/{event.total}{figures}")

    def _draw(self, inside: str) -> None:
        self.drawn, parts = time.time(), []
        if self.made:
            each = self.busy / self.made
            parts.append(f"{each:.3g} s each")
            left = (self.bar.total - self.bar.n) * each
            if left:
                parts.append(f"ETA {self.bar.format_interval(math.ceil(max(left - (self.drawn - self.began), 0)))}")
        self.bar.set_postfix_str(", ".join([*parts, *([inside] if inside else [])]))


def _short(event: Step) -> dict[str, str]:
    # the bar tells the rate itself
    return {name: f"{value:.3g}" for name, value in event.figures.items() if name != "images_per_second"}

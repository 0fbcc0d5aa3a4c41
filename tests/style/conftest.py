"""What the tests of both trainings share."""

import pytest
import torch

from muslin.base.checkpoint import load_checkpoint


@pytest.fixture
def stopped_equals_unbroken(tmp_path):
    """Checks a training with two saves, `train(folder)`, stopped after the first and begun again: what it ships in `file` is as if never stopped."""

    def check(train, file):
        def run(folder, *stops):
            for stop in stops:
                news = []
                for event in train(tmp_path / folder):
                    news.append(type(event).__name__)
                    if news[-1] == "Saved" and stop:
                        break
            assert news.count("Saved") == (1 if len(stops) > 1 else 2)  # the second call does the second half alone
            return load_checkpoint(tmp_path / folder / file)[0]

        whole, parts = run("whole", False), run("parts", True, False)
        assert all(torch.equal(whole[name], parts[name]) for name in whole)

    return check

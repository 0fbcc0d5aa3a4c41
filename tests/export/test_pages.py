import pytest
import torch

from muslin.export.pages import inline, page


def test_a_page_asks_for_what_it_shows():
    with pytest.raises(Exception, match="undefined"):
        page("lookbook", title="x", language="en", tools={"muslin": "1", "torch": "2"})


def test_a_picture_goes_into_the_page_itself():
    assert inline(torch.zeros(3, 8, 8)).startswith("data:image/jpeg;base64,/9j/")

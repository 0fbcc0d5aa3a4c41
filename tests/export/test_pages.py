import base64
import json
import re

import pytest
import torch

from muslin.export.pages import inline, page
from muslin.provenance.recipe import read_marks
from muslin.provenance.xmp import SCHEME, Mark


def test_a_page_asks_for_what_it_shows():
    with pytest.raises(Exception, match="undefined"):
        page("lookbook", title="x", language="en", tools={"muslin": "1", "torch": "2"})


def test_a_picture_goes_into_the_page_itself():
    assert inline(torch.zeros(3, 8, 8)).startswith("data:image/jpeg;base64,/9j/")


def test_a_page_says_to_programs_what_it_shows():
    mark, photo = Mark("compositeSynthetic", producer="</script> & Co"), Mark("compositeWithTrainedAlgorithmicMedia")
    rows = {"rows": [], "counts": {"copy": 0, "close": 0, "distinct": 0}, "tools": {"muslin": "1"}}
    about = {"against": "a", "pictures": 1, "thresholds": {"copy_similarity": 1.0}, "alarm": 0.01, "calibrated_on": "2 pictures"}
    text = page("originality", mark, [("looks/a b.png", photo)], title="A & <B>", language="en", about=about, **rows)
    told = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', text)[1])
    assert told["digitalSourceType"] == "https://schema.org/CompositeSyntheticDigitalSource" and told["name"] == "A & <B>"
    assert told["producer"]["name"] == "</script> & Co"
    assert told["hasPart"][0] == {
        "@type": "ImageObject", "contentUrl": "looks/a b.png",
        "digitalSourceType": "https://schema.org/CompositeWithTrainedAlgorithmicMediaDigitalSource",
    }  # fmt: skip
    assert f'<meta name="digital-source-type" content="{SCHEME}compositeSynthetic">' in text
    assert "ld+json" not in page("originality", title="x", language="en", about=about, **rows)


def test_a_picture_taken_out_of_a_page_keeps_its_mark():
    mark = Mark("trainedAlgorithmicMedia", "0.4.0")
    content = base64.b64decode(inline(torch.zeros(3, 8, 8), mark=mark).partition(",")[2])
    assert read_marks(content, "x") == (None, mark)

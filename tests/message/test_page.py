"""The page that a browser is given of a mail."""

from __future__ import annotations

import re
from email.message import EmailMessage

import pytest

from mailtui.message.page import POLICY, standalone_page

PIXEL = bytes.fromhex("89504e470d0a1a0a")


def page(html: str, *, text: str = "text") -> str:
    message = EmailMessage()
    message["Subject"] = "A <b> & more"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
        seen = message.get_body()
        assert isinstance(seen, EmailMessage)
        seen.add_related(PIXEL, "image", "png", cid="<logo>")
    return standalone_page(message.as_bytes())


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<meta http-equiv=refresh content='0;url=http://evil.test/'>",
        "<base href='http://evil.test/'>",
        "<link rel=preconnect href='http://evil.test'>",
        "<img src='http://evil.test/a.png' srcset='http://evil.test/b.png 2x' onerror=alert(1)>",
        "<img src='//evil.test/a.png'>",
        "<a href='javascript:alert(1)' ping='http://evil.test/'>x</a>",
        "<a href=' java\tscript:alert(1)'>x</a>",
        "<iframe src='http://evil.test/'></iframe><object data='http://evil.test/'></object>",
        "<form action='http://evil.test/'><button formaction='http://evil.test/'>x</button></form>",
        "<body background='http://evil.test/a.png' onload=alert(1)>",
        "<svg><image href='http://evil.test/a.png' /><use xlink:href='http://evil.test/a.svg#x' /></svg>",
        "<svg><style><meta http-equiv=refresh content='0;url=http://evil.test/'></style></svg>",
        "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a><animate attributeName=href values=x /></svg>",
        "<noscript><p title='</noscript><meta http-equiv=refresh content=0;url=http://evil.test/>'></noscript>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=x onerror=alert(1)&gt;'>",
        "<xmp><meta http-equiv=refresh content='0;url=http://evil.test/'></xmp>",
        "<video poster='http://evil.test/'><source src='http://evil.test/'></video>",
        "<template><script>alert(1)</script></template>",
        '<p style="x" onmouseover="alert(1)">',
    ],
)
def test_x06_nothing_in_the_page_loads_runs_or_forwards(hostile: str) -> None:
    written = page(
        f"<!doctype html><html><head><title>t</title>{hostile}</head><body>{hostile}<p>end</p></body></html>"
    )
    head, _, body = written.partition("</title>")
    assert head.index(POLICY) < head.index("<title>")  # before anything of the mail's own
    assert "end" in body
    tags = "".join(re.findall(r"<[a-z/!][^>]*>", body, re.IGNORECASE)).lower()
    assert "evil.test" not in re.sub(r'title="[^"]*"', "", tags)
    assert "javascript:" not in tags
    assert not re.search(r"<(script|meta|base|link|iframe|object|form|video|template|animate)\b", tags)
    assert not re.search(r"\son[a-z]+=", re.sub(r'"[^"]*"', "", tags))


def test_b5_the_mail_looks_as_it_was_meant() -> None:
    written = page(
        "<html><head><style>p > b { background: url(cid:logo) } i::before { content: '<b>' }</style></head>"
        "<body bgcolor='#eee'><!-- gone --><img src='cid:logo' alt='Logo'><img src='cid:other' alt='Other'>"
        "<a href='https://ok.test/?a=1&amp;b=2'>Read</a><p style='color: red'>1 &lt; 2 &amp; 3</p></body></html>"
    )
    assert written.count("data:image/png;base64,iVBORw0KGgo=") == 2
    assert "<style>p > b { background: url(data:image/png" in written
    assert "content: '\\3c b>' }</style>" in written  # within a drawing, browsers would read a tag there
    assert '<img alt="Other">' in written
    assert '<a href="https://ok.test/?a=1&amp;b=2" target="_blank" rel="noreferrer noopener">Read</a>' in written
    assert '<p style="color: red">1 &lt; 2 &amp; 3</p>' in written
    assert "<title>A &lt;b&gt; &amp; more</title>" in written
    assert '<body bgcolor="#eee">' in written
    assert not written.startswith("<!")  # it had no doctype, and is drawn as browsers draw such pages


def test_b5_a_mail_without_html_is_a_page_of_its_text() -> None:
    assert "1 &lt; 2\n  <" not in page("", text="1 < 2\n  indented")
    assert ">1 &lt; 2\n  indented\n</pre>" in page("", text="1 < 2\n  indented")

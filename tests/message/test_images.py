"""B3: images of a page are embedded once, wherever a template names them, and shown by Content-ID."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from mailtui.errors import Place, TemplateError
from mailtui.message.compose import compile_message
from mailtui.message.frozen import MessageSource
from mailtui.message.images import made_of_data, references
from mailtui.message.mime import TransferEncoding
from mailtui.message.reference import self_check
from mailtui.message.rendered import RenderedMessage
from mailtui.message.source import read_message
from mailtui.message.spec import MessageSpec
from mailtui.message.tree import FileView, describe
from tests.message.samples import COLUMNS, DATE, SECRET, recipient

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("img", "parts"):
        (tmp_path / name).mkdir()
    (tmp_path / "img" / "logo.png").write_bytes(PNG)
    (tmp_path / "img" / "über uns.gif").write_bytes(GIF)
    (tmp_path / "parts" / "foot.png").write_bytes(PNG + b"foot")
    (tmp_path / "bg.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    return tmp_path


def _read(folder: Path, written_in: str, body: str, **keys: object) -> MessageSource:
    (folder / "page").write_text(body)
    spec = {"from": "A <a@acme.test>", "subject": "Hi", written_in: "page", **keys}
    return read_message(MessageSpec.model_validate(spec), folder, "c")


def _mail(source: MessageSource) -> RenderedMessage:
    compiled = compile_message(source, COLUMNS, secret=SECRET)
    for encoding in TransferEncoding:
        assert self_check(compiled, recipient(), date=DATE, encoding=encoding) == []
    message = compiled.render(recipient(), date=DATE, encoding=TransferEncoding.EIGHT_BIT)
    assert isinstance(message, RenderedMessage)
    return message


HTML = """<html><head><style>.a{background:url('bg.svg')} @import url(x.css); @font-face{src:url(f.woff)}
.b{filter:url(#x)}</style></head><body background="img/logo.png"><!-- <img src="no.png"> -->
<!--[if mso]><v:fill src="img/logo.png"/><![endif]-->
<!--[if !mso]><!--><img alt="a > b" src='img/%C3%BCber%20uns.gif'
  srcset="img/logo.png 1x, img/logo.png?x=2 2x"><!--<![endif]-->
<img src="https://x.test/a.png"><img src="//x.test/y"><img src="data:image/png;base64,xx"><img src="cid:x">
<img src="{{ body }}"><img src="img/{{ first_name }}.png"><img src="https://x.test/{{ body }}.png">
<td style="background-image:url(&quot;img/logo.png&quot;)">{% include "parts/foot.html" %}
<a href="img/logo.png">x</a><script>'<img src="n.png">'</script>
"""


def test_b3_every_way_to_name_an_image_in_html_and_what_it_includes(folder: Path) -> None:
    (folder / "parts" / "foot.html").write_text('<img src="foot.png" alt="{{ body }}"><img src="../img/logo.png">')
    source = _read(folder, "html", HTML, inline_css=False)
    assert source.html is not None
    logo, gif, foot, svg = (
        next(file.cid for file in source.files if file.path == name)
        for name in ("img/logo.png", "img/über uns.gif", "parts/foot.png", "bg.svg")
    )
    page = source.html.source
    assert [f"cid:{name}" in page for name in (logo, gif, svg)] == [True] * 3
    assert page.count(f"cid:{logo}") == 5
    assert f'<img src="cid:{foot}" alt="{{{{ body }}}}"><img src="cid:{logo}">' == source.includes[0].source
    for left in ("no.png", "x.css", "f.woff", "#x", "//x.test/y", "n.png", 'href="img/logo.png"'):
        assert left in page
    tree = describe(_mail(source).data)
    assert tree.tree[2] == "└─ multipart/related"
    assert [(file.name, file.media_type, file.size) for file in tree.files] == [
        ("bg.svg", "image/svg+xml", 41),
        ("logo.png", "image/png", len(PNG)),
        ("über uns.gif", "image/gif", len(GIF)),
        ("foot.png", "image/png", len(PNG) + 4),
    ], "the same image is one part"
    made = list(made_of_data([source.html], "html"))
    assert [(place.file, place.line) for place in made] == [("page", 7), ("page", 7)]


def test_b3_images_survive_inlined_styles(folder: Path) -> None:
    source = _read(folder, "html", '<style>td{background:url("img/logo.png")}</style><table><td>x</table>')
    page = _mail(source).html
    assert page is not None
    assert f'<td style="background: url(&quot;cid:{source.files[0].cid}' in page.replace("'", "&quot;")


def test_b3_images_in_markdown(folder: Path) -> None:
    body = """# Hi
![logo](img/logo.png "t") ![u](<img/über uns.gif>) `![x](no.png)` ![r][Logo]

    ![not](no.png)

```
![x](no.png)
```

[logo]: img/logo.png
[text](no.png)
"""
    body = body.replace("    ![not](no.png)\n\n", "")
    source = _read(folder, "markdown", body)
    mail = _mail(source)
    assert [file.path for file in source.files] == ["img/logo.png", "img/über uns.gif"]
    assert mail.html is not None
    assert mail.html.count('<img src="cid:') == 3
    assert mail.html.count("no.png") == 3


def test_b3_images_in_mjml(folder: Path) -> None:
    body = (
        '<mjml><mj-body><mj-section background-url="img/logo.png"><mj-column><mj-image src="img/logo.png" alt="x"/>'
        '<mj-text>{{ body }}<img src="img/über uns.gif" alt=""></mj-text></mj-column></mj-section></mj-body></mjml>'
    )
    source = _read(folder, "mjml", body)
    mail = _mail(source)
    assert [file.path for file in source.files] == ["img/logo.png", "img/über uns.gif"]
    assert mail.html is not None
    assert "logo.png" not in mail.html
    assert f'src="cid:{source.files[0].cid}"' in mail.html


def test_b3_m12_what_cannot_be_embedded_is_told_by_line_and_column(folder: Path) -> None:
    body = '<p>\n  <img src="x.png">\n<img src="page"> <img src="/etc/passwd"> <td background="../../etc/passwd">'
    with pytest.raises(TemplateError) as caught:
        _read(folder, "html", body)
    assert [(item.place, item.message) for item in caught.value.problems] == [
        (Place("page", 2, 13), "the image x.png is not there."),
        (Place("page", 3, 11), "the image page is none that mail programs show: PNG, JPEG, GIF, WebP or SVG."),
        (Place("page", 3, 28), "the image /etc/passwd is outside the campaign folder."),
        (Place("page", 3, 58), "the image ../../etc/passwd is outside the campaign folder."),
    ]


def test_b3_what_only_looks_like_an_image_is_none_and_what_is_one_in_an_odd_way_is_embedded(folder: Path) -> None:
    (folder / "img" / "a (1).png").write_bytes(PNG)
    css = "/* url(no.png) */ .a{background:url(img/a\\ \\(1\\).png)} /* url(no.png)"
    assert [file.path for file in _read(folder, "html", f"<style>{css}</style><p>x").files] == ["img/a (1).png"]
    source = _read(folder, "markdown", "\\![x](no.png) ![a [b] \\] c](img/logo.png)")
    assert [file.path for file in source.files] == ["img/logo.png"]
    for gone in ("C:\\img\\logo.png", "file:///img/logo.png"):
        with pytest.raises(TemplateError) as caught:
            _read(folder, "html", f'<img src="{gone}">')
        assert "is not there" in caught.value.problems[0].message, "it is no address, and its reader would see nothing"


def test_b3_attachments_and_images_go_together(folder: Path) -> None:
    (folder / "b.txt").write_text("Hello\n")
    source = _read(folder, "html", '<img src="img/logo.png">', text="b.txt", attachments=["img/über uns.gif"])
    view = describe(_mail(source).data)
    assert [line.lstrip(" │├└─").split("  ")[0] for line in view.tree] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
        "image/png", "image/gif",
    ]  # fmt: skip
    assert view.files[1] == FileView("über uns.gif", "image/gif", len(GIF))
    assert view.files[0].cid
    again = MessageSource.from_json(source.to_json())
    assert again == source
    assert again.digest == source.digest
    (folder / "img" / "logo.png").write_bytes(PNG + b"changed")
    other = _read(folder, "html", '<img src="img/logo.png">', text="b.txt", attachments=["img/über uns.gif"])
    assert other.digest != source.digest, "a changed image is a changed message"


def test_b3_a_page_of_a_million_brackets_is_read_in_time() -> None:
    many = ("<style>" * 10_000, "{{" * 10_000, "url(&quot;" * 5_000, "[a" * 10_000, '<a "' * 10_000)
    for text in (*many, "<img " * 10_000, '<img src="' * 5_000, "![" * 10_000, "url(" * 10_000, "`" * 10_000):
        assert len(list(references(text, "html"))) < 10_000
        assert len(list(references(text, "markdown"))) < 10_000

"""Public previews of Telegram channels."""

import pytest

from collector.batch import Attachment, CursorPosition
from collector.errors import Unreadable
from collector.http import Http
from tests.collector.asking import again, fetch, kept, place
from tests.doubles.interface import Asked, Interface, Said

MESSAGE = """<div class="tgme_widget_message_wrap">
<div class="tgme_widget_message text_not_supported_wrap js-widget_message" data-post="hackneywatch/{0}">
<a class="tgme_widget_message_photo_wrap" style="width:9px;background-image:url('https://c.example/{0}.jpg')"></a>
<div class="tgme_widget_message_text js-message_text">Police &amp; a van<br/>on <b>the <i>high</i></b> road {0}</div>
<div class="tgme_widget_message_footer"><span>12 views</span>
<time datetime="2026-07-14T11:00:00+00:00" class="time">11:00</time></div></div></div>"""


def preview(*numbers: int) -> bytes:
    return "".join(["<html><body>", *map(MESSAGE.format, numbers), "</body></html>"]).encode()


def test_a_channels_preview_is_read_back_to_the_last_message(interface: Interface, http: Http) -> None:
    def page(asked: Asked) -> Said:
        before = int(asked.query.get("before", "50"))
        return Said(preview(*range(before - 20, before)))

    interface.answers["/s/hackneywatch"] = page
    where = place(interface, "/s/hackneywatch", term=None)
    batch = fetch("telegram_preview", where, http, "17")
    assert [item.external_id for item in batch.items][-1] == "hackneywatch/49"
    assert {f"hackneywatch/{number}" for number in range(18, 50)} <= {
        item.external_id for item in batch.items
    }
    item = batch.items[-1]
    assert item.text == "Police & a van\non the high road 49"
    assert [each.url for each in item.media] == ["https://c.example/49.jpg"]
    assert (item.url, item.published_raw) == ("https://t.me/hackneywatch/49", "2026-07-14T11:00:00+00:00")
    assert batch.cursor == CursorPosition(position="49")
    assert len(interface.log) == 2


def test_a_channel_without_a_preview_is_a_failure(interface: Interface, http: Http) -> None:
    interface.says("/s/hackneywatch", b"<html><body>Open in the app</body></html>")
    with pytest.raises(Unreadable, match="shows no messages"):
        fetch("telegram_preview", place(interface, "/s/hackneywatch", term=None), http)


def test_a_message_that_is_not_shown_any_more_is_gone(interface: Interface, http: Http) -> None:
    interface.says("/s/hackneywatch", preview(3, 4, 6))
    where = place(interface, "/s/hackneywatch", term=None)
    found = again("telegram_preview", where, http, kept("hackneywatch/5"), kept("hackneywatch/6"))
    assert set(found.gone) == {"hackneywatch/5"}


FILM = b"""<div class="tgme_widget_message js-widget_message" data-post="hackneywatch/7">
<a class="tgme_widget_message_reply user-color-5" href="https://t.me/hackneywatch/5?single"><div>Hackney Watch</div>
<div class="tgme_widget_message_text js-message_reply_text">earlier words</div></a>
<a class="tgme_widget_message_video_player"><video src="https://c.example/7.mp4" class="js-message_video"></video>
<time class="message_video_duration js-message_video_duration">1:02</time></a>
<div class="tgme_widget_message_text js-message_text">Police on the high road</div>
<a class="tgme_widget_message_link_preview" href="https://herald.example/1">
<div class="link_preview_site_name">Herald</div>
<div class="link_preview_title">Witnesses sought</div><div class="link_preview_description">Last <b>night</b></div></a>
<time datetime="2026-07-14T11:00:00+00:00" class="time">11:00</time></div>"""


def test_a_message_is_read_whole(interface: Interface, http: Http) -> None:
    interface.says("/s/hackneywatch", FILM)
    (item,) = fetch("telegram_preview", place(interface, "/s/hackneywatch", term=None), http).items
    assert item.text == "Police on the high road"
    assert item.reply_to == "hackneywatch/5"
    assert item.media == (
        Attachment("video", "https://c.example/7.mp4", duration_s=62.0),
        Attachment("link", "https://herald.example/1", "Witnesses sought\nLast"),
    )

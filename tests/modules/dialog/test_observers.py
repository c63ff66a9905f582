"""What modules that build on dialog are told."""
from __future__ import annotations

from tests.modules.dialog.conftest import called, dialog


def watched(server, **wanted):
    module = server.engine.generation.registry.modules["dialog"]
    news = []
    kinds = {"created", "early", "confirmed", "failed", "within", "ended"}
    module.observe(**{kind: lambda *told, kind=kind: news.append((kind, *told)) for kind in kinds})
    return module, news


def test_a_call_from_beginning_to_end(proxy):
    server = proxy()
    module, news = watched(server)
    call = server.alice.call("bob")
    found, invite = dialog(server), server.bob.last("INVITE")
    server.bob.answer(invite, 180)
    server.bob.answer(invite)
    call.ack()
    call.within("INFO")
    call.bye()
    assert [each[0] for each in news] == ["created", "early", "confirmed", "within", "within", "within", "ended"]
    assert {each[1] for each in news} == {found}
    assert [each[2].method for each in news] == ["INVITE", "INVITE", "INVITE", "ACK", "INFO", "BYE", "BYE"]
    assert news[1][3].status == 180 and news[2][3].status == 200 and news[3][3] == 0
    assert module.dialog_of(news[0][2]) is found and module.dialog_of(news[-1][2]) is found
    assert found.end_reason == "Downstream BYE"


def test_a_call_that_fails(proxy):
    server = proxy()
    _, news = watched(server)
    server.alice.call("bob")
    server.bob.answer(status=404)
    assert [each[0] for each in news] == ["created", "failed"] and news[1][3] == 404


def test_one_that_fails_does_not_keep_the_others(proxy):
    server = proxy()
    module, news = watched(server)

    def broken(*_):
        raise LookupError("no way")
    module.observe(confirmed=broken)
    called(server)
    assert "confirmed" in [each[0] for each in news] and server.log.matching("no way|broken failed")


def test_what_modules_keep_with_a_dialog(proxy):
    server = proxy()
    called(server)
    module, found = server.engine.generation.registry.modules["dialog"], dialog(server)
    assert module.kept(found, "acc") is None
    module.keep(found, "acc", {"legs": ["a", b"\x00"]})
    assert module.kept(found, "acc") == {"legs": ["a", b"\x00"]}
    server.engine.environment.commits.flush()
    module.dialogs.store.environment.commits.flush()
    (stored, _), = module.dialogs.store.load()
    assert stored.kept == {"acc": {"legs": ["a", b"\x00"]}}
    module.keep(found, "acc", None)
    assert module.kept(found, "acc") is None

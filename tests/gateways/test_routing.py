"""Where a request goes, and what of it is changed on the way: the model and nothing else."""

from __future__ import annotations

import json

import pytest
from lab import CHAT, LAW, MATH, Lab, Listener, body_of
from policies import GENERAL, OFFICE, STEM


def test_a_domain_decides_model_headers_and_server(gateway: Listener) -> None:
    sent = gateway.chat(MATH)
    assert sent.reply.status == 200
    assert sent.seen.server == "stem"
    assert sent.seen.json()["model"] == STEM
    assert sent.seen.header("x-pointsman-domain") == "math"
    assert sent.seen.header("x-pointsman-model") == STEM
    assert sent.seen.header("x-pool") == "stem"


def test_the_answer_explains(gateway: Listener) -> None:
    reply = gateway.chat(MATH).reply
    assert reply.header("x-pointsman-reason") == "classified"
    assert reply.header("x-pointsman-domain") == "math"
    assert reply.header("x-pointsman-model") == STEM
    confidence = reply.header("x-pointsman-confidence")
    assert confidence is not None and len(confidence) == 4 and 0.5 <= float(confidence) <= 1.0
    assert reply.number("x-pointsman-classify-us") >= 0
    assert reply.number("x-pointsman-reserved") > 0


def test_a_policy_may_keep_its_reasons_to_itself(lab: Lab) -> None:
    sent = lab.listener("silent").chat(MATH)
    assert sent.seen.header("x-pointsman-domain") == "math"
    assert [name for name, _ in sent.reply.headers if name.startswith("x-pointsman-")] == []
    assert sent.reply.number("x-ratelimit-remaining-tokens") > 0


ODD_BODIES = {
    "white space": b' {\r\n\t"messages" : [ {"role":"user" ,\n "content":"Solve x^2 = 4 for x"} ] ,\n\n "model"\t:  %s  }\n ',
    "escapes": b'{"messages":[{"role":"user","content":"Solve x\\u00b2 = 4 \\ud83d\\ude00\\/ \\"for\\" x"}],"model":%s}',
    "numbers as they were written": b'{"temperature":1.0E-0,"top_p":0.10,"seed":12345678901234567890,"model":%s,'
    b'"messages":[{"role":"user","content":"Solve x^2 = 4 for x"}]}',
    "unknown members": b'{"x":{"model":"auto","messages":[{"model":"auto"}]},"model":%s,"messages":'
    b'[{"role":"user","content":"Solve x^2 = 4 for x","model":"auto"}],"metadata":{"model":"auto"},"z":[[],{},null,"auto"]}',
    "UTF-8": '{"model":%s,"messages":[{"role":"user","content":"Résous x² = 4, 解方程 😀"}],"é":"ü"}'.encode(),
}


@pytest.mark.parametrize("name", ODD_BODIES)
def test_every_other_byte_stays(gateway: Listener, name: str) -> None:
    template = ODD_BODIES[name]
    sent = gateway.send(template.replace(b"%s", b'"auto"'))
    model = sent.reply.header("x-pointsman-model") or ""
    assert sent.reply.header("x-pointsman-reason") in ("classified", "unsure")
    assert sent.seen.body == template.replace(b"%s", json.dumps(model).encode())
    assert sent.seen.header("content-length") == str(len(sent.seen.body))


def test_an_auto_name_may_be_written_with_escapes(gateway: Listener) -> None:
    rest = b',"messages":[{"role":"user","content":%s}]}' % json.dumps(MATH).encode()
    sent = gateway.send(rb'{"mod\u0065l":"\u0061uto"' + rest)
    assert sent.reply.header("x-pointsman-reason") == "classified"
    assert sent.seen.json()["model"] == STEM
    assert sent.seen.body.endswith(rest)


def test_a_missing_model_is_chosen(gateway: Listener) -> None:
    sent = gateway.chat(MATH, model=None, temperature=0.5)
    assert sent.seen.server == "stem"
    assert sent.seen.json() == {**json.loads(body_of(MATH, None, temperature=0.5)), "model": STEM}
    assert sent.seen.header("content-length") == str(len(sent.seen.body))


@pytest.mark.parametrize(("model", "server"), [(OFFICE, "office"), (STEM, "stem"), ("gpt-4.1", "general"), ("autos", "general")])
def test_an_explicit_model_is_left_alone(gateway: Listener, model: str, server: str) -> None:
    body = body_of(MATH, model)
    sent = gateway.send(body)
    assert sent.seen.server == server
    assert sent.seen.body == body
    assert sent.seen.header("x-pointsman-model") == model
    assert sent.seen.header("x-pointsman-domain") is None
    assert sent.reply.header("x-pointsman-reason") == "explicit"


def test_the_default_gets_what_nobody_is_sure_of(lab: Lab) -> None:
    sent = lab.listener("never-sure").chat(MATH)
    assert sent.seen.server == "general"
    assert sent.seen.json()["model"] == GENERAL
    assert sent.seen.header("x-pointsman-domain") is None
    assert sent.reply.header("x-pointsman-reason") == "unsure"
    assert sent.reply.header("x-pointsman-domain") == "math"


EMPTY = {
    "an empty string": "",
    "white space": " \n\t ",
    "no parts": [{"role": "user", "content": []}],
    "only a picture": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}],
    "null content": [{"role": "user", "content": None}],
    "only what a model said": [{"role": "assistant", "content": MATH}],
    "no messages in the list": [],
}


@pytest.mark.parametrize("name", EMPTY)
def test_without_text_the_default_is_chosen_and_nothing_hangs(gateway: Listener, name: str) -> None:
    """OpenAI refuses some of these itself; that is the server's business once the request is known to be empty."""
    sent = gateway.chat(EMPTY[name])
    if sent.reply.status == 400:
        sent.reply.error()
        return
    assert sent.reply.header("x-pointsman-reason") == "empty"
    assert sent.seen.json()["model"] == GENERAL
    assert sent.seen.header("x-pointsman-domain") is None


def test_instructions_stand_in_for_a_missing_user_turn(gateway: Listener) -> None:
    sent = gateway.chat([{"role": "system", "content": MATH}])
    assert sent.reply.header("x-pointsman-reason") == "classified"
    assert sent.seen.server == "stem"


def test_the_last_user_turn_decides(gateway: Listener) -> None:
    turns = [("system", LAW), ("user", LAW), ("assistant", "Ask a lawyer."), ("user", MATH + ". " + MATH), ("assistant", LAW), ("tool", LAW)]
    sent = gateway.chat([{"role": role, "content": content} for role, content in turns])
    assert sent.seen.header("x-pointsman-domain") == "math"


def test_content_may_be_a_list_of_parts(gateway: Listener) -> None:
    parts = [
        {"type": "text", "text": "Solve the quadratic"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "text", "text": "equation x^2 - 5x + 6 = 0 by factoring"},
    ]
    sent = gateway.chat([{"role": "user", "content": parts}])
    assert sent.seen.server == "stem"
    assert sent.reply.header("x-pointsman-reason") == "classified"


@pytest.mark.parametrize("header", ["x-pointsman-domain", "x-pointsman-model"])
@pytest.mark.parametrize("path", [CHAT, "/v1/feedback"])
def test_routing_headers_of_the_client_are_stripped(gateway: Listener, header: str, path: str) -> None:
    sent = gateway.send(body_of(MATH, "gpt-4.1"), {header: OFFICE}, path=path)
    assert sent.seen.server == "general"
    assert sent.seen.header(header) == ("gpt-4.1" if (path, header) == (CHAT, "x-pointsman-model") else None)


@pytest.mark.parametrize("header", ["X-Pointsman-Model", "X-POINTSMAN-DOMAIN"])
def test_their_case_does_not_matter(gateway: Listener, header: str) -> None:
    sent = gateway.send(b"{}", {header: OFFICE}, path="/v1/feedback")
    assert (sent.seen.server, sent.seen.header(header)) == ("general", None)


def test_headers_that_the_policy_sets_cannot_be_forged(gateway: Listener) -> None:
    assert gateway.send(body_of(MATH), {"x-pool": "office"}).seen.header("x-pool") == "stem"
    assert gateway.send(body_of(MATH, "gpt-4.1"), {"x-pool": "stem"}).seen.header("x-pool") is None


@pytest.mark.parametrize(
    "path",
    [
        "/chat/completions",
        "/openai/deployments/auto/chat/completions?api-version=2024-10-21",
        "/v1/chat/completions?a=/b&c=d",
        "//v1//chat//completions",
        "/v1/x/../chat/completions",
        "/v1/chat%2Fcompletions",
        "/v1/ch%61t/complet%69ons",
        "/v1/chat/completions/",
    ],
)
def test_other_spellings_of_the_path_are_metered_too(gateway: Listener, path: str, tenant: str) -> None:
    sent = gateway.send(body_of(MATH), path=path, tenant=tenant)
    assert sent.reply.header("x-pointsman-reason") == "classified", sent.reply
    assert sent.seen.server == "stem"
    assert gateway.used(tenant) == 18


NOT_LLM = [
    ("POST", "/v1/feedback"),
    ("POST", "/v1/chat/completions/abc/cancel"),
    ("POST", "/v1/mychat/completions2"),
    ("POST", "/"),
    ("PUT", CHAT),
    ("DELETE", CHAT),
]


@pytest.mark.parametrize(("method", "path"), NOT_LLM)
def test_other_traffic_is_untouched(gateway: Listener, method: str, path: str, tenant: str) -> None:
    body = body_of(MATH)
    sent = gateway.send(body, {"accept-encoding": "gzip"}, method=method, path=path, tenant=tenant)
    assert sent.seen.body == body
    assert sent.seen.request.target == path
    assert sent.seen.header("accept-encoding") == "gzip"
    assert [name for name, _ in sent.reply.headers if name.startswith(("x-pointsman-", "x-ratelimit-"))] == []
    assert gateway.used(tenant) == 0


def test_names_of_headers_models_and_paths_are_the_policys(lab: Lab) -> None:
    renamed = lab.listener("renamed")
    sent = renamed.send(body_of(MATH, "router/auto"), {"x-llm": "forged"}, path="/inference/completions")
    assert (sent.seen.header("x-topic"), sent.seen.header("x-llm")) == ("math", STEM)
    assert sent.seen.header("x-pointsman-model") is None
    assert sent.seen.json()["model"] == STEM
    assert renamed.chat(MATH, model="auto").seen.json()["model"] == "auto"


def test_compression_is_not_asked_of_the_server(gateway: Listener) -> None:
    """A compressed answer would hide its usage."""
    sent = gateway.send(body_of(MATH), {"accept-encoding": "gzip, br"})
    assert sent.seen.header("accept-encoding") is None


def test_a_law_question_goes_to_the_office(gateway: Listener) -> None:
    sent = gateway.chat(LAW)
    assert sent.seen.server == "office"
    assert sent.seen.header("x-pointsman-domain") == "law"
    assert sent.seen.header("x-pool") is None

"""Runs the demo: `./build.sh demo [--keep] [--json]`."""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import uuid
from types import FrameType

from . import config
from .checks import OURS, Account, Outcome, judge
from .client import send
from .envoy import Envoy, EnvoyFailed
from .script import ROUTED, Call, Spending
from .show import JsonLines, Show, Table
from .upstreams import Upstreams


class Demo:
    """The demo's run against one Envoy: sends, judges, shows, and remembers."""

    def __init__(self, port: int, upstreams: Upstreams, limits: dict[str, int], show: Show) -> None:
        self._port = port
        self._upstreams = upstreams
        self._accounts = {tenant: Account(limit) for tenant, limit in limits.items()}
        self._show = show
        self.outcomes: list[Outcome] = []

    def send(self, call: Call) -> Outcome:
        """One request through the gateway, judged and shown."""
        mark = uuid.uuid4().hex
        headers = {"x-tenant": call.tenant, "x-demo-id": mark, "authorization": "Bearer demo"}
        body = call.body()
        if body is not None:
            headers["content-type"] = "application/json"
        reply = send(self._port, call.method, call.path, body, headers)
        outcome = Outcome(call, reply, self._upstreams.seen.get(mark, []))
        judge(outcome, self._accounts[call.tenant])
        self.outcomes.append(outcome)
        self._show.outcome(outcome)
        return outcome

    def spend(self, spending: Spending) -> None:
        """Spends a tenant's quota until it is refused, shows the refusal, and that another tenant goes on."""
        for _ in range(spending.most_calls):
            account = self._accounts[spending.tenant]
            # Refused is what does not fit: the gateway reserves all that the answer may take before it lets a request through.
            fits = account.left() >= spending.max_tokens + self._overhead(spending)
            outcome = self.send(spending.call(spending.tenant, spending.served if fits else spending.refused))
            if outcome.reply.status != 200:
                self._show.answer(outcome)
                break
        self._show.heading(f"tenant {spending.other}, meanwhile")
        self.send(spending.call(spending.other, spending.served))

    def _overhead(self, spending: Spending) -> int:
        """What the gateway reserves beyond max_tokens, for the prompt: learned from the answers so far."""
        mine = [one.reply.number(OURS + "reserved") for one in self.outcomes if one.call.prompt == spending.prompt]
        return next((reserved for reserved in mine if reserved), spending.max_tokens) - spending.max_tokens

    def microseconds(self) -> float | None:
        """The median time that the gateway says it spent on telling the domain."""
        spent = [one.reply.number(OURS + "classify-us") for one in self.outcomes if one.call.expected.reason == "classified"]
        known = [one for one in spent if one is not None]
        return statistics.median(known) if known else None


def limits_of(policy: config.Policy) -> dict[str, int]:
    """The tokens that each tenant of the demo has, as the policy says."""
    quotas = policy["quotas"]
    listed = quotas["tenants"]
    return {tenant: listed.get(tenant, quotas["default"])[0]["tokens"] for tenant in ("globex", "acme")}


def curl_commands(port: int, admin: str) -> str:
    """Things to try by hand while everything is up."""
    chat = f"http://127.0.0.1:{port}/v1/chat/completions"
    body = '{"model": "auto", "messages": [{"role": "user", "content": "%s"}]%s}'
    integral = body % ("Integrate x * exp(x) from 0 to 1", "")
    longer = body % ("Integrate x * exp(x) from 0 to 1", ', "max_tokens": 400')
    tenancy = body % ("Can a landlord end a lease early?", ', "stream": true, "max_tokens": 20')
    return f"""
Everything is still up; Ctrl-C ends it. Try:

  # a question about maths, with the headers that explain where it went
  curl -i {chat} -H 'content-type: application/json' -H 'x-tenant: globex' \\
    -d '{integral}'

  # a streamed one about law
  curl -N {chat} -H 'content-type: application/json' -H 'x-tenant: globex' \\
    -d '{tenancy}'

  # acme has spent its tokens
  curl -i {chat} -H 'content-type: application/json' -H 'x-tenant: acme' \\
    -d '{longer}'

  # not LLM traffic
  curl -i http://127.0.0.1:{port}/v1/models

  # Envoy's own page
  curl 'http://{admin}/stats?filter=wasm'
"""


def run(show: Show, keep: bool) -> bool:
    """The whole demo; true when everything was as expected."""
    settings = config.shipped()
    limits = limits_of(config.policy_of(settings))
    config.set_free_ports(settings)
    config.set_module(settings, config.MODULE)
    with Upstreams() as upstreams:
        config.set_upstreams(settings, upstreams.ports)
        show.say("Starting Envoy with dist/pointsman.wasm and three LLM servers")
        with Envoy(settings, workers=1) as envoy:
            megabytes = config.MODULE.stat().st_size / 2**20
            show.say(f"Envoy was ready after {envoy.ready_seconds:.2f} s (one worker, a module of {megabytes:.2f} MiB)")
            demo = Demo(envoy.ports["llm"], upstreams, limits, show)
            show.heading(f"tenant globex, {limits['globex']:,} tokens a day")
            for call in ROUTED:
                demo.send(call)
            show.heading(f"tenant acme, {limits['acme']:,} tokens a day, spends them")
            demo.spend(Spending())
            if not envoy.alive():
                show.say("Envoy ended during the demo; its log:\n" + envoy.log())
            elif any(outcome.wrong for outcome in demo.outcomes):
                show.say("\nEnvoy's log:\n" + envoy.log())
            median = demo.microseconds()
            if median is not None:
                show.say(f"\nTelling a prompt's domain took {median:.0f} µs at the median, inside the sandbox")
            good = sum(not outcome.wrong for outcome in demo.outcomes)
            summary = f"demo: {good} of {len(demo.outcomes)} as expected"
            if keep:
                show.say(summary)
                show.say(curl_commands(envoy.ports["llm"], envoy.admin))
                wait_for_interrupt()
            show.say(summary)
            return good == len(demo.outcomes) and envoy.alive()


def wait_for_interrupt() -> None:
    """Returns at Ctrl-C, so that what follows is an orderly end and not a traceback."""
    try:
        signal.pause()
    except KeyboardInterrupt:
        print(file=sys.stderr)


def interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Makes a polite kill end the demo as Ctrl-C does, with everything that it started."""
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(prog="./build.sh demo", description="Pointsman on a real Envoy, end to end.")
    parser.add_argument("--keep", action="store_true", help="leave everything running and print curl commands to try")
    parser.add_argument("--json", action="store_true", help="one JSON object per request instead of the table")
    arguments = parser.parse_args()
    # Ctrl-C, too: a shell that starts a program in the background has it ignored, and Python then leaves it so.
    signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    try:
        return 0 if run(JsonLines() if arguments.json else Table(), arguments.keep) else 1
    except KeyboardInterrupt:
        print("interrupted; everything that was started has been stopped", file=sys.stderr)
        return 130
    except EnvoyFailed as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

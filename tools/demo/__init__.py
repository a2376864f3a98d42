"""The demo: a real Envoy with Pointsman in front of three small OpenAI-compatible servers. Run it with `./build.sh demo`.

`envoy`, `config` and `wire` are also what the tests in tests/gateways stand on.
"""

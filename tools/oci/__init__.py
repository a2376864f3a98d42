"""Packs the module into OCI images, with a bill of materials, the same bytes every time; and pushes them to a registry.

Run as `python -m oci build` and `python -m oci push REF` with `tools` on PYTHONPATH, or through `./build.sh oci`.
Only the standard library is used: what ships is not changed by whatever version of a packing tool is at hand.
"""

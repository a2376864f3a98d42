;; A filter that tells what it is answered, in properties: it is what the host's own tests look through.
;; It pauses in the headers when there are more than three, and in the body until its end, where it replaces what is there.
(module
  (import "env" "proxy_replace_header_map_value" (func $set_header (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_buffer_bytes" (func $get_buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_buffer_bytes" (func $set_buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set_property (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_grpc_call" (func $grpc (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (global $top (mut i32) (i32.const 4096))
  (data (i32.const 0) "x-late")
  (data (i32.const 8) "1")
  (data (i32.const 16) "hello, world")
  (data (i32.const 32) "end-in-headers")
  (data (i32.const 48) "sizes")
  (data (i32.const 56) "late-header")
  (data (i32.const 72) "read")
  (data (i32.const 80) "written")

  ;; Tells a byte under the name at (name, size).
  (func $tell (param $name i32) (param $size i32) (param $value i32)
    (i32.store8 (i32.const 2048) (local.get $value))
    (drop (call $set_property (local.get $name) (local.get $size) (i32.const 2048) (i32.const 1))))

  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (local.get $at) (local.get $size)))
    (local.get $at))

  (func (export "proxy_on_request_headers") (param $context i32) (param $count i32) (param $end i32) (result i32)
    (call $tell (i32.const 32) (i32.const 14) (local.get $end))
    ;; A fifth header asks for what nginx does not survive.
    (if (i32.gt_u (local.get $count) (i32.const 4))
      (then (drop (call $grpc (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))))
    (i32.gt_u (local.get $count) (i32.const 3)))

  (func (export "proxy_on_request_body") (param $context i32) (param $size i32) (param $end i32) (result i32)
    (call $tell (i32.const 48) (i32.const 5) (local.get $size))
    (call $tell (i32.const 56) (i32.const 11)
      (call $set_header (i32.const 0) (i32.const 0) (i32.const 6) (i32.const 8) (i32.const 1)))
    (if (i32.eqz (local.get $end)) (then (return (i32.const 1))))
    (i32.store (i32.const 2056) (i32.const 0))
    (drop (call $get_buffer (i32.const 0) (i32.const 0) (local.get $size) (i32.const 2052) (i32.const 2056)))
    (call $tell (i32.const 72) (i32.const 4) (i32.load (i32.const 2056)))
    ;; Three bytes are named and twelve are given.
    (call $tell (i32.const 80) (i32.const 7)
      (call $set_buffer (i32.const 0) (i32.const 0) (i32.const 3) (i32.const 16) (i32.const 12)))
    (i32.const 0)))

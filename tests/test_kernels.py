from __future__ import annotations

from nst3d.kernels import kernel


def test_a_function_that_cannot_be_cached_is_compiled_all_the_same() -> None:
    """Without a source file numba has no place for a cache, as on a read-only file system without a home."""
    scope: dict = {}
    exec("def double(x):\n    return 2 * x\n", scope)
    assert kernel()(scope["double"])(21) == 42


def test_kernels_are_cached_and_release_the_lock() -> None:
    from nst3d.representations.texels import wrap_texel

    assert wrap_texel.targetoptions["nogil"]
    assert type(wrap_texel._cache).__name__ == "FunctionCache"
    assert [wrap_texel(k, 4, 2) for k in (-1, 3, 4, 8)] == [0, 3, 3, 0]

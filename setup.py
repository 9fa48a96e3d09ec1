"""The compiled kernel; all else is in pyproject.toml."""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            f"normcli.{name}",
            [f"normcli/{name}.c"],
            depends=["normcli/_arrow.h"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
            extra_compile_args=["-O3"],
            py_limited_api=True,
            optional=True,  # without a compiler NumPy does its work
        )
        for name in ("_exact", "_keys", "_select")
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)

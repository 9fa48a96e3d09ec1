"""The JSON Schema of stats files, format 1, made from the registries of methods and statistics."""

from __future__ import annotations

import itertools
import types
import typing
from collections.abc import Iterable, Iterator
from typing import Any

from normcli.columns import number_kind
from normcli.dtypes import PLAIN_DTYPES
from normcli.fitted import RAW_STATISTICS, SKETCH_STATISTICS
from normcli.methods import METHODS, Method
from normcli.statistics import STATISTICS
from normcli.statistics.sketch import RELATIVE_ERROR

__all__ = ["schema"]

Schema = dict[str, Any]

_NUMBER: Schema = {"type": ["number", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_EXACT: Schema = {"type": "string", "pattern": "^(0x0|-?0x[1-9a-f][0-9a-f]*)p(0|-?[1-9][0-9]*)$"}
_VALUE: Schema = {"type": ["string", "integer", "boolean"]}
_TABLE: Schema = {
    "type": "array",
    "items": {
        "type": "array",
        "prefixItems": [_VALUE, {"type": "integer", "minimum": 1}],
        "items": False,
        "minItems": 2,
    },
}
_HISTOGRAM: Schema = {"type": "string", "pattern": "^([1-9a-f][0-9a-f]*:[1-9][0-9]*( |$))*$"}
# Of tensors, lists in lists of what there is otherwise one of.
_EXACTS: Schema = {
    "type": "string",
    "pattern": "^(((0x0|-?0x[1-9a-f][0-9a-f]*)p(0|-?[1-9][0-9]*))( |$))*$",
}
_KINDS = {
    "number": _NUMBER,
    "count": _COUNT,
    "exact": _EXACT,
    "exacts": _EXACTS,
    "counts": {"type": "string", "pattern": "^((0|[1-9][0-9]*)( |$))*$"},
    "histogram": _HISTOGRAM,
}


def _kind(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


_FIELDS: dict[str, Schema] = {
    **dict.fromkeys(("count", "null", "nan", "inf"), _kind("count")),
    **dict.fromkeys(("min", "max"), _kind("number")),
    **dict.fromkeys(("sum", "sum_of_squares"), _kind("exact")),
    "histogram": _kind("histogram"),
    "vectors": _kind("count"),
    **dict.fromkeys(("sums", "products", "block_sums", "block_sums_of_squares"), _kind("exacts")),
    "block_counts": _kind("counts"),
    **dict.fromkeys(("categories", "words"), _TABLE),
    "longest": _COUNT,
}
_DECIMAL = r"Decimal\([1-9][0-9]?,[0-9]{1,2}\)"
_PARAMETRIC = [
    r"Datetime\((ms|us|ns)(,[^()]+)?\)",
    r"Duration\((ms|us|ns)\)",
    _DECIMAL,
]


def schema() -> Schema:
    """Return the schema as JSON values."""
    plain = [name for name, dtype in PLAIN_DTYPES.items() if number_kind(dtype)]
    elements = [*plain, *_PARAMETRIC]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:normcli:stats-file:1",
        "title": "normcli stats file, format 1",
        **_object(
            {
                "format": {"const": "normcli/1"},
                "source": _object(
                    {
                        "rows": _COUNT,
                        "files": {"type": "array", "items": {"type": "string"}},
                        "where": {"type": "string"},
                    },
                    optional=("where",),
                ),
                "by": _map({"$ref": "#/$defs/dtype"}),
                "groups": {"$ref": "#/$defs/groups"},
                "read": {"$ref": "#/$defs/read"},
                "recipe": {"$ref": "#/$defs/recipe"},
                "quantiles": _object(
                    {"kind": {"const": "sketch"}, "relative_error": {"const": RELATIVE_ERROR}}
                ),
                "condition": _object(
                    {
                        "features": {"type": "integer", "minimum": 1},
                        "rows": _COUNT,
                        "before": {"type": ["number", "null"], "minimum": 1},
                        "after": {"type": ["number", "null"], "minimum": 1},
                    }
                ),
                "columns": {"type": "object", "minProperties": 1},
            },
            optional=("by", "groups", "read", "recipe", "quantiles", "condition"),
        ),
        "dependentRequired": {"by": ["groups"], "groups": ["by"]},
        "if": {"required": ["by"]},
        "then": {"properties": {"columns": _map(_coded_or("grouped_"))}},
        "else": {"properties": {"columns": _map(_coded_or(""))}},
        "$defs": {
            **{
                name: {"anyOf": [one, {"type": "array", "items": _kind(name)}]}
                for name, one in _KINDS.items()
            },
            "dtype": _pattern([*PLAIN_DTYPES, *_PARAMETRIC]),
            "number_dtype": _pattern(
                [*(n for n, dtype in PLAIN_DTYPES.items() if dtype.is_numeric()), _DECIMAL]
            ),
            "column_dtype": _pattern([*elements, *_nested(elements)]),
            "groups": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": ["string", "number", "boolean", "null"]},
                },
            },
            "read": _read(),
            "recipe": _recipe(),
            "column": _column(grouped=False),
            "grouped_column": _column(grouped=True),
            "coded_column": _coded_column(grouped=False),
            "grouped_coded_column": _coded_column(grouped=True),
            "coded_summary": _object(dict.fromkeys(("count", "null"), _COUNT)),
            "summary": _object(
                {
                    **dict.fromkeys(("count", "null", "nan", "inf"), _COUNT),
                    **dict.fromkeys(("min", "max", "mean", "std"), _NUMBER),
                },
                optional=("inf",),
            ),
            "step": {
                "type": "object",
                "required": ["method"],
                "properties": {"method": {"enum": sorted(METHODS)}},
                # One condition for each method, so that an error names what is wrong in it.
                "allOf": [
                    {
                        "if": {"properties": {"method": {"const": name}}},
                        "then": {"$ref": f"#/$defs/{name}"},
                    }
                    for name in sorted(METHODS)
                ],
            },
            **{name: _step(method) for name, method in sorted(METHODS.items())},
        },
    }


def _nested(elements: list[str]) -> list[str]:
    inner = "|".join(elements)
    return [rf"Array\(({inner}),[1-9][0-9]*(x[1-9][0-9]*)*\)", rf"List\(({inner})\)"]


def _object(properties: dict[str, Schema], optional: Iterable[str] = ()) -> Schema:
    left_out = set(optional)
    return {
        "type": "object",
        "required": [name for name in properties if name not in left_out],
        "properties": properties,
        "additionalProperties": False,
    }


def _map(values: Schema) -> Schema:
    return {"type": "object", "minProperties": 1, "additionalProperties": values}


def _pattern(alternatives: list[str]) -> Schema:
    return {"type": "string", "pattern": f"^({'|'.join(alternatives)})$"}


def _table(label: str, columns: dict[str, Schema]) -> Schema:
    """Return the schema of a table by group: names of columns, and one row for each group."""
    return _object(
        {
            label: {"const": list(columns)},
            "rows": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "array",
                    "prefixItems": list(columns.values()),
                    "items": False,
                    "minItems": len(columns),
                },
            },
        }
    )


def _fields(statistics: Iterable[str]) -> dict[str, Schema]:
    wanted = set(statistics)
    return {
        field: _FIELDS[field]
        for name, statistic in STATISTICS.items()
        if name in wanted
        for field in statistic.fields
    }


def _column(grouped: bool) -> Schema:
    # Percentiles of sketches bring their histogram along.
    more = {method.statistics for method in METHODS.values() if not method.encodes}
    wanted = {frozenset({*RAW_STATISTICS, *each}) for each in (*more, SKETCH_STATISTICS)}
    kinds = [_fields(each) for each in sorted(wanted, key=sorted)]
    states = [_table("fields", fields) if grouped else _object(fields) for fields in kinds]
    steps: Schema = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}}
    if not grouped:
        steps["items"] = {
            "$ref": "#/$defs/step",
            "properties": {"groups": {"not": {"type": "object"}}},
        }
    keys: dict[str, Schema] = {
        "dtype": {"$ref": "#/$defs/column_dtype"},
        "members": {**_map({"$ref": "#/$defs/number_dtype"}), "minProperties": 2},
        "steps": steps,
        "summary": {"$ref": "#/$defs/summary"},
        "state": {"anyOf": states},
    }
    if grouped:
        keys["small_groups"] = {"$ref": "#/$defs/groups"}
    return _object(keys, optional=("members", "state", "small_groups"))


def _coded_or(prefix: str) -> Schema:
    """Return the schema of a column: one of codes if its first method encodes, or else not."""
    encoders = [name for name, method in sorted(METHODS.items()) if method.encodes]
    first = {"required": ["method"], "properties": {"method": {"enum": encoders}}}
    steps = {"type": "array", "minItems": 1, "prefixItems": [{"type": "object", **first}]}
    return {
        "if": {"required": ["steps"], "properties": {"steps": steps}},
        "then": {"$ref": f"#/$defs/{prefix}coded_column"},
        "else": {"$ref": f"#/$defs/{prefix}column"},
    }


def _coded_column(grouped: bool) -> Schema:
    step = {"$ref": "#/$defs/step"}
    alone: Schema = {**step, "properties": {"groups": False}}
    kinds = sorted({method.statistics for method in METHODS.values() if method.encodes})
    return _object(
        {
            "dtype": {"$ref": "#/$defs/dtype"},
            "steps": {
                "type": "array",
                "minItems": 1,
                "prefixItems": [alone],
                "items": step if grouped else alone,
            },
            "summary": {"$ref": "#/$defs/coded_summary"},
            "state": {"anyOf": [_object(_fields({"counts", *kind})) for kind in [(), *kinds]]},
        },
        optional=("state",),
    )


def _param(kind: str) -> Schema:
    lists = {"values": _VALUE, "numbers": {"type": "number"}}
    return {"type": ["array", "null"], "items": lists[kind]} if kind in lists else _kind("number")


def _step(method: type[Method]) -> Schema:
    params = {parameter.name: _param(parameter.kind) for parameter in method.parameters}
    hints = typing.get_type_hints(method)
    fields = method.option_fields()
    options = {name: _option(hints[field.name]) for name, field in fields.items()}
    properties: dict[str, Schema] = {"method": {"const": method.name}, **options}
    optional = {*options, "groups", "state"}
    if params:
        kinds = [_fields({"counts", *method.statistics}), _fields(SKETCH_STATISTICS)]
        # With some options a method has only some of its parameters, or none.
        whole = method.sought is Method.sought
        choices = [params] if whole else list(_choices(params))
        properties["params"] = {"anyOf": [_object(choice) for choice in choices]}
        if not method.encodes:
            tables = [_table("params", choice) for choice in choices]
            states = [made for kind in kinds for made in (_object(kind), _table("fields", kind))]
            properties |= {"groups": {"anyOf": tables}, "state": {"anyOf": states}}
        optional |= set() if whole else {"params"}
    return _object(properties, optional)


def _choices(params: dict[str, Schema]) -> Iterator[dict[str, Schema]]:
    for size in range(1, len(params) + 1):
        for names in itertools.combinations(params, size):
            yield {name: params[name] for name in names}


def _option(annotation: Any) -> Schema:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        kinds = [kind for kind in typing.get_args(annotation) if kind is not types.NoneType]
        options = [_option(kind) for kind in kinds]
        return options[0] if len(options) == 1 else {"anyOf": options}
    if typing.get_origin(annotation) is typing.Literal:
        return {"enum": list(typing.get_args(annotation))}
    if typing.get_origin(annotation) is tuple:
        return {"type": "array", "items": _option(typing.get_args(annotation)[0])}
    return {"type": {bool: "boolean", int: "integer", float: "number", str: "string"}[annotation]}


def _recipe() -> Schema:
    text: Schema = {"type": "string", "minLength": 1}
    keys: dict[str, Schema] = {
        "select": {"type": "string"},
        "exclude": text,
        "inf": {"const": "skip"},
        "min_group": {"type": "integer", "minimum": 1},
        "defaults": _object({"method": text}),
        "columns": _map(text),
    }
    return {**_object(keys, optional=keys), "minProperties": 1}


def _read() -> Schema:
    options: dict[str, Schema] = {
        "delimiter": {"type": "string", "minLength": 1, "maxLength": 1},
        "header": {"const": False},
        "null_values": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "decimal_comma": {"const": True},
        "types": _map({"$ref": "#/$defs/dtype"}),
    }
    return {**_object(options, optional=options), "minProperties": 1}

"""Recipes from YAML files and overrides; what is wrong is said in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from latentwire.errors import RecipeError
from latentwire.training.projection.recipe import ProjectorRecipe
from latentwire.training.recipe import Recipe
from latentwire.training.recipe_sections import nearest

R = TypeVar("R", Recipe, ProjectorRecipe)


def load_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """Read the recipe of a latent space and apply ``dotted.key=value`` overrides.

    List items go by index or name.

    Raises:
        RecipeError: If the file is missing, is not YAML, or does not fit the types.
    """
    return _fit(Recipe, path, _read(path, overrides))


def load_any_recipe(path: Path, overrides: list[str] | None = None) -> Recipe | ProjectorRecipe:
    """Read a recipe of either kind: that of a projector has the key ``projector``.

    Raises:
        RecipeError: See ``load_recipe``.
    """
    data = _read(path, overrides)
    if isinstance(data, dict) and "projector" in data:
        return _fit(ProjectorRecipe, path, data)
    return _fit(Recipe, path, data)


def _read(path: Path, overrides: list[str] | None) -> Any:
    if path.is_dir():
        raise RecipeError(f"recipe {path} is a folder", hint="name the YAML file in it")
    if not path.is_file():
        raise RecipeError(f"recipe {path} does not exist")
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise RecipeError(f"recipe {path} is not a text in UTF-8") from error
    except OSError as error:
        raise RecipeError(f"recipe {path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise RecipeError(f"recipe {path} is not YAML: {reason}") from error
    for override in overrides or []:
        _apply(data, override)
    return data


def _fit(kind: type[R], path: Path, data: Any) -> R:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise RecipeError(f"recipe {path}: {_explain(error, kind, data)}") from error


def _apply(data: Any, override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator:
        raise RecipeError(f"override {override!r} is not of the form key=value")
    *parents, last = key.split(".")
    target = data
    try:
        for part in parents:
            target = target[_index(target, part)] if isinstance(target, list) else _in(target, part)
        target[_index(target, last) if isinstance(target, list) else last] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RecipeError(f"override {override!r}: its value is not YAML") from error
    except (IndexError, ValueError, AttributeError, TypeError) as error:
        names = ", ".join(str(name) for name in _names(target) if name)
        raise RecipeError(
            f"override {override!r} names no place in the recipe",
            hint=f"known there: {names}" if names else None,
        ) from error


def _index(items: list[Any], part: str) -> int:
    """An item of a list, by its number or by its ``name``."""
    names = _names(items)
    return names.index(part) if part in names else int(part)


def _names(items: Any) -> list[Any]:
    """The ``name`` of each item of a list, None where it has none."""
    if not isinstance(items, list):
        return []
    return [item.get("name") if isinstance(item, dict) else None for item in items]


def _in(target: Any, part: str) -> Any:
    """What is below a key, as something that keys can be set in: ``objectives: 1.0`` is not."""
    below = target.setdefault(part, {})
    if isinstance(below, int | float):
        below = target[part] = {"weight": below}
    return below


def _explain(error: ValidationError, kind: type[BaseModel], data: Any) -> str:
    """The first problem in one line, with the nearest known key for an unknown one."""
    first = error.errors()[0]
    place = ".".join(_place(first["loc"], data))
    if first["type"] != "extra_forbidden":
        message = first["msg"].removeprefix("Value error, ")
        return f"{place}: {message}" if place else message
    known = _keys_at(first["loc"][:-1], kind)
    return f"unknown key {place!r}; {nearest(str(first['loc'][-1]), known)}"


def _place(location: tuple[int | str, ...], data: Any) -> list[str]:
    """A place in the recipe as overrides name it: a stage by its name, if it has one."""
    place = []
    for part in location:
        names = _names(data)
        name = names[part] if isinstance(part, int) and part < len(names) else None
        place.append(str(name or part))
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
    return place


def _keys_at(location: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """The keys that a kind of recipe knows at a place."""
    for part in location:
        if isinstance(part, str):
            annotation = model.model_fields[part].annotation
            for candidate in (annotation, *get_args(annotation)):
                if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                    model = candidate
    return list(model.model_fields)

"""Models of recipes that users store under names."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.schemas.fields import EXAMPLE_ID, Moment, NextPageToken
from gateway.upload.fields import UserId


class NewRecipe(BaseModel):
    """A recipe to store: that of a prepared dataset, or one that is sent."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, description="What it is called.", examples=["monthly sales"])
    dataset_id: str = Field("", max_length=200, description="A prepared dataset, by its id.", examples=[EXAMPLE_ID])
    recipe: dict[str, Any] | None = Field(
        None, description="A recipe, as `/dataset/{dataset_id}/recipe` answers it; 3 MiB at most."
    )
    user_id: UserId = Field("", description="Who will own it; empty for the caller.")


class StoredRecipe(BaseModel):
    """A recipe that is stored under a name."""

    recipe_id: str = Field(description="Its id, which the field `recipe` of an upload takes.", examples=[EXAMPLE_ID])
    name: str = Field(description="What it is called.", examples=["monthly sales"])
    version: int = Field(description="Which of the recipes of this name it is, from 1.", examples=[1])
    user_id: str = Field(description="Who owns it.", examples=["anonymous"])
    sha256: str = Field(description="SHA-256 of its JSON, in hexadecimal.", examples=["9f86d081884c7d65…"])
    size_bytes: int = Field(description="Size of its JSON in bytes.", examples=[31000])
    dataset_id: str | None = Field(
        description="The dataset it was taken from, which may be deleted by now; null for one that was sent.",
        examples=[EXAMPLE_ID],
    )
    created_at: Moment = Field(description="When it was stored.")


class StoredRecipeContent(StoredRecipe):
    """A recipe that is stored under a name, with its steps and contract."""

    recipe: dict[str, Any] = Field(description="The recipe.")


class RecipePage(BaseModel):
    """A page of recipes, newest first."""

    recipes: list[StoredRecipe] = Field(description="The page.")
    next_page_token: NextPageToken

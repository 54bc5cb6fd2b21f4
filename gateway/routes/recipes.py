"""Recipes that users store under names."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import ValidationError

from gateway.dependencies import ClientsDependency, GatewayDependency, PageDependency, problems
from gateway.http.problems import field_errors, invalid_fields
from gateway.schemas import recipes as schemas
from gateway.upload.fields import UserId
from shared.contracts.artifacts import MAX_RECIPE_BYTES

router = APIRouter(prefix="/recipes", tags=["recipes"])

RecipeIdPath = Annotated[str, Path(max_length=200, description="The recipe's UUID.")]
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewRecipe"}}},
    }
}


@router.post("", summary="Store a recipe", responses=problems(400, 404, 408, 409, 413, 415), openapi_extra=_BODY)
async def create_recipe(request: Request, response: Response, gateway: GatewayDependency) -> schemas.StoredRecipe:
    """Store the recipe of a prepared dataset, or one that is sent, under a name; the same name again is a new version.

    An upload with `recipe=` and its id repeats it. A recipe holds numbers and levels of its table, and may hold the
    values of some rows.
    """
    body = await gateway.uploads.read_document(request, max_bytes=MAX_RECIPE_BYTES)
    try:
        new = schemas.NewRecipe.model_validate_json(body)
    except ValidationError as error:
        raise invalid_fields(field_errors(error.errors())) from None
    answer = await gateway.clients.ingest.create_recipe(new)
    response.headers["Location"] = f"/recipes/{answer.recipe_id}"
    return answer


@router.get("", summary="List recipes", responses=problems())
async def list_recipes(
    clients: ClientsDependency,
    page: PageDependency,
    user_id: Annotated[UserId, Query(description="Whose; empty for those of the caller.")] = "",
    name: Annotated[str, Query(max_length=200, description="Only versions of this name; empty for all.")] = "",
) -> schemas.RecipePage:
    """The recipes of a user, newest first: 50 a page unless `page_size` says otherwise, 500 at most."""
    return await clients.ingest.recipes(user_id=user_id, name=name, page=page)


@router.get(
    "/{recipe_id}",
    summary="Read a stored recipe",
    responses=problems(404),
    response_model=schemas.StoredRecipeContent,
)
async def get_stored_recipe(recipe_id: RecipeIdPath, clients: ClientsDependency) -> Response:
    """A recipe with its steps and contract; numbers are written in full."""
    return Response(await clients.ingest.stored_recipe(recipe_id), media_type="application/json")


@router.delete("/{recipe_id}", summary="Remove a recipe", status_code=204, responses=problems(404))
async def delete_recipe(recipe_id: RecipeIdPath, clients: ClientsDependency) -> None:
    """Datasets that were prepared by it keep theirs."""
    await clients.ingest.delete_recipe(recipe_id)

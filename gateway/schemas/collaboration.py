"""Members, the audit trail and erasure, as JSON."""

from pydantic import BaseModel, ConfigDict, Field

from gateway.schemas.fields import EXAMPLE_ID, Moment, NextPageToken
from shared.contracts.vocabulary import CallerKind, Role

RoleField = Field(
    description="A `viewer` reads; an `editor` uploads, prepares, retries and cancels, too; an `owner` deletes and "
    "manages the members, too.",
    examples=["editor"],
)


class NewRole(BaseModel):
    """The role that a member is given."""

    model_config = ConfigDict(extra="forbid")

    role: Role = RoleField


class Member(BaseModel):
    """A member of a collaboration."""

    user_id: str = Field(description="The user.", examples=["grace"])
    role: Role = RoleField
    created_at: Moment = Field(description="When it became a member.")


class Members(BaseModel):
    """The members of a collaboration, in the order in which they came."""

    members: list[Member] = Field(description="All members.")


class AuditEvent(BaseModel):
    """A call that changed something, took a table away, or was refused."""

    created_at: Moment = Field(description="When it ended.")
    action: str = Field(description="The rpc.", examples=["DeleteDataset"])
    outcome: str = Field(description="`ok`, or the reason of the refusal or failure.", examples=["ok"])
    caller_kind: CallerKind = Field(description="How the caller proved who it is.", examples=["user"])
    caller_id: str = Field(description="The user that called.", examples=["grace"])
    key_id: str | None = Field(description="The public part of the API key that was used.", examples=[None])
    address: str = Field(description="The address that the call came from.", examples=["203.0.113.7"])
    request_id: str = Field(description="The id of the request, as in the logs.", examples=["5f2b"])
    dataset_id: str | None = Field(description="The dataset; it may be deleted by now.", examples=[EXAMPLE_ID])
    collaboration_id: str | None = Field(description="The collaboration.", examples=[None])
    member: str | None = Field(
        description="The member that was added, changed or removed, with its new role.", examples=["grace: editor"]
    )


class AuditPage(BaseModel):
    """A page of the audit trail, newest first."""

    events: list[AuditEvent] = Field(description="The page.")
    next_page_token: NextPageToken


class ErasedUser(BaseModel):
    """What was removed of a user."""

    datasets: int = Field(description="How many datasets were removed.", examples=[3])

"""Options that name columns are checked against the table."""

import pytest

from shared.errors import InvalidInput
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from tests.integration.ingest.uploads import upload, upload_messages


async def test_names_of_columns_are_matched_without_letter_case(stub: "rpc.IngestServiceAsyncStub") -> None:
    options = common.DatasetOptions(target="AGE", roles={"Name": "identifier"}, units={"AGE": "years"})
    await upload(stub, upload_messages(options=options))
    await upload(stub, upload_messages(options=common.DatasetOptions(target="None")))


async def test_a_name_that_does_not_exist_is_answered_with_a_similar_one(stub: "rpc.IngestServiceAsyncStub") -> None:
    with pytest.raises(InvalidInput, match=r"target names 'aeg'.*Did you mean 'age'\?"):
        await upload(stub, upload_messages(options=common.DatasetOptions(target="aeg")))
    with pytest.raises(InvalidInput, match=r"roles names 'agee'.*Did you mean 'age'\?"):
        await upload(stub, upload_messages(options=common.DatasetOptions(roles={"agee": "keep"})))


@pytest.mark.parametrize(
    "options",
    [
        common.DatasetOptions(target="age", roles={"name": "target"}),
        common.DatasetOptions(target="age", roles={"AGE": "drop"}),
        common.DatasetOptions(roles={"name": "target", "age": "target"}),
        common.DatasetOptions(target="age", column_privacy={"AGE": "drop"}),
    ],
)
async def test_the_options_have_to_agree_on_the_target(
    stub: "rpc.IngestServiceAsyncStub", options: common.DatasetOptions
) -> None:
    with pytest.raises(InvalidInput) as error:
        await upload(stub, upload_messages(options=options))
    assert error.value.reason == "AMBIGUOUS_TARGET"


@pytest.mark.parametrize(
    "options",
    [
        common.DatasetOptions(roles={"age": "king"}),
        common.DatasetOptions(outlier_strategies={"age": "hide"}),
        common.DatasetOptions(units={"age": " "}),
        common.DatasetOptions(column_privacy={"age": "shred"}),
    ],
)
async def test_words_that_do_not_exist_are_refused(
    stub: "rpc.IngestServiceAsyncStub", options: common.DatasetOptions
) -> None:
    with pytest.raises(InvalidInput) as error:
        await upload(stub, upload_messages(options=options))
    assert error.value.reason == "INVALID_INPUT"

"""A stored table is prepared again with other options, and its result stays readable meanwhile."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.contracts.run_result import RunResult
from shared.db.datasets import Datasets
from shared.db.published import require_published
from shared.db.results import Results
from shared.db.runs import Runs
from shared.db.session import Database
from shared.errors import Conflict, InvalidInput
from shared.pb.neuralearn.common.v1 import dataset_pb2 as common
from shared.pb.neuralearn.ingest.v1 import ingest_pb2 as pb
from shared.pb.neuralearn.ingest.v1 import ingest_pb2_grpc as rpc
from shared.rpc.status import service_errors
from tests.integration.ingest.uploads import upload, upload_messages


async def publish(database: Database, dataset: common.Dataset) -> None:
    """Complete the run of a dataset with a result."""
    runs = Runs(database)
    claimed = await runs.claim(UUID(dataset.run_id), lease=timedelta(seconds=60))
    assert claimed is not None
    assert claimed.lease_token is not None
    result = RunResult(
        summary={},
        features={"target": "age"},
        logs={},
        graphs=[{"graph_id": "a", "kind": "histogram", "title": "A", "columns": ["age"]}],
        report=None,
        ai_used=True,
    )
    assert await runs.publish(claimed.id, claimed.lease_token, result, artifacts=f"datasets/{dataset.dataset_id}/x")


async def test_an_ended_dataset_is_prepared_again(stub: "rpc.IngestServiceAsyncStub", database: Database) -> None:
    user = str(uuid4())
    dataset = await upload(stub, upload_messages(options=common.DatasetOptions(user_id=user, mode=common.MODE_SMART)))
    request = pb.PrepareDatasetRequest(
        dataset_id=dataset.dataset_id,
        options=common.DatasetOptions(mode=common.MODE_DEEP, roles={"AGE": "drop"}, fill=common.FILL_POLICY_ALL),
    )
    with pytest.raises(Conflict) as error, service_errors():
        await stub.PrepareDataset(request)
    assert error.value.reason == "RUN_HAS_NOT_ENDED"
    await publish(database, dataset)
    again = (await stub.PrepareDataset(request)).dataset
    assert (again.state, again.mode, again.fill) == (
        common.DATASET_STATE_UPLOADED,
        common.MODE_DEEP,
        common.FILL_POLICY_ALL,
    )
    record = await Datasets(database).get(UUID(dataset.dataset_id))
    assert (record.run.queue, record.run.options.roles) == ("eda_deep", {"AGE": "drop"})
    assert record.run.artifacts == f"datasets/{dataset.dataset_id}/x"
    usage = {quota.mode: quota.used for quota in (await stub.GetUsage(pb.GetUsageRequest(user_id=user))).modes}
    assert usage == {common.MODE_SMART: 1, common.MODE_DEEP: 1}
    await publish(database, dataset)
    assert len((await Results(database).list_graphs(record.run.id, page_size=10, page_token="")).rows) == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (common.DatasetOptions(target="aeg"), "UNKNOWN_TARGET"),
        (common.DatasetOptions(user_id="ada"), "INVALID_INPUT"),
        (common.DatasetOptions(header_row=0), "INVALID_INPUT"),
        (common.DatasetOptions(webhook_url="https://example.org"), "INVALID_INPUT"),
    ],
)
async def test_impossible_options_of_another_preparation_are_refused(
    stub: "rpc.IngestServiceAsyncStub", database: Database, options: common.DatasetOptions, reason: str
) -> None:
    dataset = await upload(stub, upload_messages())
    await publish(database, dataset)
    with pytest.raises(InvalidInput) as error, service_errors():
        await stub.PrepareDataset(pb.PrepareDatasetRequest(dataset_id=dataset.dataset_id, options=options))
    assert error.value.reason == reason


async def test_a_failed_preparation_keeps_the_result_before(
    stub: "rpc.IngestServiceAsyncStub", database: Database
) -> None:
    dataset, runs, datasets = await upload(stub, upload_messages()), Runs(database), Datasets(database)
    await publish(database, dataset)
    await stub.PrepareDataset(pb.PrepareDatasetRequest(dataset_id=dataset.dataset_id))
    claimed = await runs.claim(UUID(dataset.run_id), lease=timedelta(seconds=60))
    assert claimed is not None
    assert claimed.lease_token is not None
    assert await runs.fail(claimed.id, claimed.lease_token, reason="BAD", detail="Bad.")
    record = await datasets.get(UUID(dataset.dataset_id))
    assert require_published(record).artifacts == f"datasets/{dataset.dataset_id}/x"
    assert record.id not in await datasets.purge_failed(kept=timedelta(), limit=1000)

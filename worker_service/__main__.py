"""Run PipelineService or a worker.

python -m worker_service pipeline
python -m worker_service worker --queue eda_fast
"""

import argparse
from functools import partial

from shared.process import run_process
from shared.queue import QUEUES
from shared.settings.processes import PipelineSettings, WorkerSettings


def main() -> None:
    """Parse the command line and run the requested process."""
    parser = argparse.ArgumentParser(prog="worker_service", description=__doc__)
    roles = parser.add_subparsers(dest="role", required=True)
    roles.add_parser("pipeline", help="serve PipelineService and reconcile")
    worker = roles.add_parser("worker", help="execute the runs of one queue")
    worker.add_argument("--queue", required=True, choices=sorted(QUEUES))
    arguments = parser.parse_args()
    # Each role imports only the code and reads only the settings that it needs.
    if arguments.role == "pipeline":
        from worker_service.pipeline.composition import run_pipeline
        from worker_service.pipeline.type_inference import PRELOAD as INFERENCE

        run_process("pipeline", PipelineSettings, run_pipeline, preload=INFERENCE)
    else:
        from worker_service.worker.composition import NICENESS, PRELOAD, run_worker

        run = partial(run_worker, queue_name=arguments.queue)
        run_process(
            f"worker-{arguments.queue}", WorkerSettings, run, preload=PRELOAD, niceness=NICENESS[arguments.queue]
        )


if __name__ == "__main__":
    main()

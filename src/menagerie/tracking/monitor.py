"""What the machine does while a model trains, by MLflow's own monitor."""

import logging
from typing import Any


class Monitor:
    """Samples the machine every ten seconds and logs it under `system/`; GPUs where nvidia-ml-py is."""

    def __init__(self) -> None:
        self._monitor: Any = None

    def start(self, run_id: str) -> None:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        # The run itself says when the store is gone, once; a sample that is lost need not be told.
        logging.getLogger("mlflow.system_metrics").setLevel(logging.CRITICAL)
        self._monitor = SystemMetricsMonitor(run_id)
        self._monitor.start()

    def finish(self) -> None:
        """End the thread, if it was started."""
        if self._monitor is not None:
            self._monitor.finish()
            self._monitor = None

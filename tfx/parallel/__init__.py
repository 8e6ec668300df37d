"""Training spread over several workers, simulated in one process: the same numbers, and what they cost to send."""

from tfx.parallel.all_reduce import AllReduce
from tfx.parallel.data import data_parallel
from tfx.parallel.pipeline import Event, Timetable, pipeline_schedule, run_pipeline
from tfx.parallel.tensor import TensorParallelAttention, TensorParallelFeedForward, gathered, tensor_parallel

__all__ = [
    "AllReduce",
    "Event",
    "TensorParallelAttention",
    "TensorParallelFeedForward",
    "Timetable",
    "data_parallel",
    "gathered",
    "pipeline_schedule",
    "run_pipeline",
    "tensor_parallel",
]

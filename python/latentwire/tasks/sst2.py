"""SST-2: is a film review positive or negative? (Socher et al. 2013, https://aclanthology.org/D13-1170)."""

from latentwire.tasks.base import Task

SST2 = Task(
    name="sst2",
    question="Sentiment:",
    label_to_answer={"negative": "negative", "positive": "positive"},
)

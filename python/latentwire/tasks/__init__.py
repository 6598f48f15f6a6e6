"""Tasks: texts with a question and a closed set of answers. One task a file, listed here."""

from latentwire.tasks.ag_news import AG_NEWS
from latentwire.tasks.banking77 import BANKING77
from latentwire.tasks.base import Example, Task
from latentwire.tasks.prompt_template import PromptTemplate
from latentwire.tasks.sst2 import SST2
from latentwire.tasks.trec import TREC, TREC_FINE

TASKS: dict[str, Task] = {task.name: task for task in (SST2, AG_NEWS, TREC, BANKING77)}
"""Every task by name, in the order in which tables list them."""

__all__ = [
    "AG_NEWS",
    "BANKING77",
    "SST2",
    "TASKS",
    "TREC",
    "TREC_FINE",
    "Example",
    "PromptTemplate",
    "Task",
]

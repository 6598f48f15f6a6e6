"""AG News: the section a news item belongs to (Zhang et al. 2015, https://arxiv.org/abs/1509.01626)."""

from latentwire.tasks.base import Task

AG_NEWS = Task(
    name="ag_news",
    question="Topic:",
    label_to_answer={
        "World": "world",
        "Sports": "sports",
        "Business": "business",
        "Sci/Tech": "technology",
    },
)

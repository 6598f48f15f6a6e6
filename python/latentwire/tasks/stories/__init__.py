"""Generated short stories of people, things, quantities and actions, with their facts."""

from latentwire.tasks.stories.generate import make_story, stories
from latentwire.tasks.stories.story import Event, Holding, Story

__all__ = ["Event", "Holding", "Story", "make_story", "stories"]

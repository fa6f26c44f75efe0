"""The rooms (nlp, annotations, models, pipelines) are installed as sub-packages of one import name, `phenotext`.

`find_packages` is used because a hand-written list loses new sub-packages in the wheel while the editable install
hides it.
"""

from setuptools import find_packages, setup

ROOMS = ["nlp", "annotations", "models", "pipelines"]
rooms = find_packages(include=[*ROOMS, *(f"{room}.*" for room in ROOMS)], exclude=["pipelines.root"])
setup(packages=["phenotext", *(f"phenotext.{name}" for name in rooms)])

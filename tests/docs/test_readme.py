"""The README runs as it is written."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

ROOT = Path(__file__).parents[2]


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where it saves a file
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    draw = np.random.default_rng(0)
    names = {
        "x1": jnp.asarray(draw.normal(size=(6, 5))),
        "z1": jnp.asarray(draw.normal(size=(6, 2))),
        "x2": jnp.asarray(draw.normal(size=(4, 5))),
        "z2": jnp.asarray(draw.normal(size=(4, 2))),
        "y1": jnp.asarray(draw.normal(size=6)),
    }
    names |= {"x": names["x1"][0], "z": names["z1"][0]}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["K"].shape == (6, 4)
    assert names["m"].shape == names["v"].shape == (4,)
    np.testing.assert_allclose(names["g"](names["z"]), names["y"])
    assert isinstance(names["d"], jax.Array)
    assert names["new"].shape == (4, 6, 1)
    assert names["losses"][-1] < 0.1 * names["losses"][0]
    assert names["many"].shape == (5, 6, 10)
    np.testing.assert_allclose(names["third"](names["z"]), names["logits"], rtol=1e-5)


def test_files_that_the_documents_link_to_exist():
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), (document.name, target)

"""The examples run as they are."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_the_quickstart_notebook_runs() -> None:
    notebook = nbformat.read(EXAMPLES / "quickstart.ipynb", as_version=4)
    assert 'traffic_v0(level="hard"' in notebook.cells[1].source
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.get("text", "") for output in outputs)
    assert "64 agents" in text
    assert "Phases that may be chosen now" in text
    assert float(text.split("mean_delay_s")[1].split()[0]) > 0
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 2

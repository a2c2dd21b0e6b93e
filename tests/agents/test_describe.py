"""`remalis describe`: sizes that are those of the network, times that are times, and mistakes told in a sentence."""

from __future__ import annotations

import json

import pytest
import torch

from remalis_agents.cli import remalis_main
from remalis_agents.networks.model import TeamModel
from remalis_agents.synthetic import road_grid, team_inputs, traffic_spec, unfitted
from remalis_agents.team import Team


def described(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert remalis_main(["describe", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_its_figures_are_those_of_the_network(capsys):
    found = described(capsys, "--preset", "tiny", "--agents", "9", "16")
    network = TeamModel(traffic_spec("remalis")).network
    assert found["shapes"] == {name: list(p.shape) for name, p in network.named_parameters()}
    assert found["parameters"] == sum(p.numel() for p in network.parameters()) == sum(found["parts"].values())
    assert found["memory_mb"]["parameters"] == pytest.approx(found["parameters"] * 4 / 1e6)
    assert found["memory_mb"]["optimizer_state"] == pytest.approx(found["parameters"] * 8 / 1e6)
    assert [(row["agents"], row["edges"]) for row in found["step_ms"]] == [(9, 24), (16, 48)]
    assert all(row["runs"] >= 3 and 0 < row["low"] <= row["median"] <= row["high"] for row in found["step_ms"])


def test_the_papers_preset_has_a_transformer_as_its_body(capsys):
    found = described(capsys, "--preset", "paper", "--agents")
    shapes, options = found["shapes"], found["options"]
    assert (options["body"], options["body_layers"], options["body_heads"]) == ("transformer", 12, 12)
    assert shapes["body.layers.11.project.weight"] == [3 * 768, 768] and "body.layers.12.out.weight" not in shapes
    assert shapes["body.layers.0.own.0.weight"] == [4 * 768, 768]
    assert 85e6 < found["parts"]["body"] < 86e6, "about what twelve layers of 12 x 768 x 768 have"


def test_options_change_what_is_built(capsys):
    one = described(capsys, "--agents")
    two = described(capsys, "--set", "planning_layers=2", "--set", "losses.belief=0", "--agents")
    assert "belief" in one["parts"] and "belief" not in two["parts"]
    assert two["parts"]["planning"] > one["parts"]["planning"] and two["hops"] == one["hops"] + 1
    assert one["step_ms"] == [] and two["changes"] == {"planning_layers": 2, "losses": {"belief": 0}}


def test_a_trained_team_is_described_from_its_folder(tmp_path, capsys):
    model = TeamModel(traffic_spec("ippo", {"hidden": [16]}))
    folder = str(Team(model).save_pretrained(tmp_path / "team"))
    found = described(capsys, folder, "--agents", "4")
    assert found["network"] == "ippo" and found["parameters"] == sum(p.numel() for p in model.parameters())
    assert found["hops"] == 0 and found["message_bytes"] == 0
    assert remalis_main(["describe", folder, "--agents"]) == 0
    assert f"{found['parameters']:,} parameters" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--preset", "papr"], "Did you mean 'paper'"),
        (["--set", "roundz=2"], "Did you mean 'rounds'"),
        (["--set", "rounds"], "key=value"),
        (["--set", "grounding=33"], "grounding=33"),
        (["--agents", "0"], "1 agent or more"),
        (["somewhere", "--preset", "tiny"], "not both"),
        (["nowhere"], "no checkpoint at 'nowhere'"),
    ],
)
def test_mistakes_are_told_in_a_sentence(arguments, said, capsys):
    assert remalis_main(["describe", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err and "Traceback" not in captured.err and captured.out == ""


def test_a_grid_of_streets_is_what_it_is_called():
    links = road_grid(174)
    assert torch.equal(links, links.T) and links.diagonal().sum() == 0
    assert links.sum(-1).min() == 2 and links.sum(-1).max() == 4
    assert road_grid(9).sum() == 24 and road_grid(400).sum() == 2 * 2 * 20 * 19


def test_inputs_are_as_an_environment_gives_them():
    """Unused actions and arms are empty, flags of existence are flags, and each agent is of one type."""
    model = TeamModel(traffic_spec("remalis"))
    team, layout = team_inputs(model, 9, batch=2, steps=3), model.layout
    assert team.observations.shape == (2, 3, 9, model.spec.observation_size)
    phases = team.observations[..., layout.start : layout.stop].unflatten(-1, (layout.count, -1))
    assert (phases[..., layout.exists] == team.action_mask).all() and team.action_mask.sum(-1).unique().tolist() == [8]
    assert (phases[..., 8:, :] == 0).all() and (phases[..., :8, 1:] > 0).any()
    types = team.observations[..., layout.types : layout.types + layout.type_count]
    assert (types.sum(-1) == 1).all() and team.state["slots"].shape[:2] == (2, 9)
    silent = TeamModel(traffic_spec("ippo"))
    assert team_inputs(silent, 9, batch=2, steps=3).observations.shape[:2] == (6, 9)


def test_a_network_with_any_weights_gives_numbers():
    model = unfitted(traffic_spec("remalis", {"preset": "small"}))
    output = model(team_inputs(model, 4, steps=2))
    assert output.logits.isfinite().all() and output.values.isfinite().all()
    assert not any(p.is_meta for p in model.parameters())

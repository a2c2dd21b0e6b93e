"""Limits of the channel: what is late, lost or too much, and what the team makes of it."""

from __future__ import annotations

import pytest
import torch
from remalis_teams import begin, line, network, team, think

from remalis_agents.networks.remalis import Options
from remalis_agents.networks.remalis.intention import Announcement
from remalis_agents.networks.remalis.limits import letters, within
from remalis_envs.errors import RemalisError

ALL = {"delay": 2, "drop_rate": 0.3, "byte_budget": 400, "gate_budget": 0.5, "rounds": 2, "planning_layers": 2}
SIZES = {
    "feedback": 64,
    "goal": 64,
    "subgoals": 64,
    "assignment": 64,
    "recursion": 128,
    "grounding": 132,
    "planning": 128,
}
"""Bytes of each message, in the order in which they are sent."""


def cut(given, first, last, state):
    """Steps ``first`` to ``last`` of a sequence."""
    return given._replace(**{name: getattr(given, name)[:, first:last] for name in given._fields[:4]}, state=state)


def in_pieces(net, given, chunks):
    """Outputs of a sequence that is played piece by piece."""
    state, start, outputs = begin(net, given).state, 0, []
    for length in chunks:
        outputs.append(net(cut(given, start, start + length, state)))
        state, start = outputs[-1].state, start + length
    return outputs


def drawn_in(outputs):
    return {name: torch.cat([output.drawn[name] for output in outputs], 1) for name in outputs[0].drawn}


# -- delay -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", ["basic", "selective", "full"])
@pytest.mark.parametrize("delay", [1, 2])
def test_each_hop_takes_its_steps_and_not_one_less(delay, mode):
    """A logit of agent 0 at step t has a gradient in what agent j saw at s where s <= t - delay * j; else exactly 0."""
    far = 4 if mode == "full" else 1
    net, given = network(delay=delay, rounds=2, communication=mode), team(line(far + 2, steps=7))
    assert net.rounds == 0, "nothing arrives in the step in which it is sent"
    seen = given.observations.clone().requires_grad_()
    output = net(begin(net, given._replace(observations=seen)))
    for t in (0, 1, 4, 6):
        score = (output.logits[0, t, 0] * torch.arange(1.0, 6.0)).sum()
        (gradient,) = torch.autograd.grad(score, seen, retain_graph=True)
        influence = gradient[0].abs().sum(-1)
        for s, j in torch.ones_like(influence).nonzero().tolist():
            if s > t - delay * j:
                assert influence[s, j] == 0, f"at {t}, of agent {j} at {s}"
            elif j <= far and s == t - delay * j:
                assert influence[s, j] > 0, f"at {t}, of agent {j} at {s}"


@pytest.mark.parametrize("chunks", [[1] * 7, [3, 4], [5, 1, 1]])
@pytest.mark.parametrize("options", [{"delay": 1}, {"delay": 3, "communication": "selective"}, ALL])
def test_a_sequence_in_pieces_is_the_sequence_at_once(chunks, options):
    """With draws that are used again, and agent 2 away for a while."""
    net, edges = network(spread=0.05, **options), line(5, steps=7, batch=2)
    edges[:, 2:4, 2, :] = edges[:, 2:4, :, 2] = 0.0
    given = team(edges)
    outputs = in_pieces(net, given, chunks)
    whole = net(begin(net, given)._replace(drawn=drawn_in(outputs)))
    for name in ("logits", "values", "log_probs"):
        pieces = torch.cat([getattr(output, name) for output in outputs], 1)
        torch.testing.assert_close(getattr(whole, name), pieces, atol=1e-5, rtol=1e-5)
    for name, value in whole.state.items():
        torch.testing.assert_close(value, outputs[-1].state[name], atol=1e-5, rtol=1e-5)
    states = {name for name in whole.state if name.startswith("mail_")}
    assert states == {"mail_from"} | {f"mail_{name}" for name, _ in letters(net.options)}


@pytest.mark.parametrize("options", [{"gate_budget": 0.5}, {"communication": "selective"}])
def test_it_is_what_was_open_and_chosen_when_it_was_sent_that_counts(options):
    """Every type of message arrives a delay later along the same links, and the gates of the day do not matter."""
    t = think(network(delay=2, **options), team(line(5, steps=8))).extras["thought"]
    for kind, parcel in t.post.ledger.items():
        sent, arrived = t.post.limits.posted[kind].sent, parcel.delivered
        assert torch.equal(sent[:, :-2], arrived[:, 2:]) and (arrived[:, :2] == 0).all(), kind
    if "gate_budget" in options:
        opened = t.post.links.hear(t.draws["gate"].unsqueeze(-1)).squeeze(-1) * t.links.heard
        assert torch.equal(t.post.ledger["goal"].delivered[:, 2:], opened[:, :-2])
        assert not torch.equal(t.post.ledger["goal"].delivered[:, 2:], opened[:, 2:])
    else:
        chosen = t.post.links.hear_own(Announcement.chosen(t.intention, t.post).unsqueeze(-1)).squeeze(-1)
        assert torch.equal(t.post.ledger["subgoals"].delivered[:, 2:], (chosen * t.links.mutual)[:, :-2])
        assert 0 < t.post.ledger["subgoals"].delivered.sum() < t.post.ledger["goal"].delivered.sum()


@pytest.mark.parametrize(
    ("name", "where", "from_step"),
    [("gate", (0, 3, 1), [5, 7, 5]), ("lost", (0, 3, 0), [5, 7, 9]), ("lost", (0, 3, 2), [9, 7, 5])],
)
def test_what_is_decided_of_a_message_shows_when_it_would_have_arrived_and_not_before(name, where, from_step):
    """Gates and losses of step 3 change what receivers do from step 5 on, and masks do not tell of them earlier."""
    net = network(delay=2, drop_rate=0.3, gate_budget=0.5, rounds=2, replan_every=1)
    given = team(line(3, steps=11))
    drawn = think(net, given).drawn
    drawn["gate"][:, 3:], drawn["lost"][:, 3:] = 1.0, 0.0
    other = {**drawn, name: drawn[name].clone()}
    other[name][where] = 1.0 - other[name][where]
    outputs = [net(begin(net, given)._replace(drawn=draws)) for draws in (drawn, other)]
    same = torch.isclose(outputs[0].logits, outputs[1].logits, rtol=0, atol=0).all(-1)[0]
    assert [int((~same[:, agent]).int().argmax()) for agent in range(3)] == from_step


# -- drops -------------------------------------------------------------------------------------------------------------
def test_so_many_messages_are_lost_link_by_link_and_step_by_step_with_all_their_types():
    net, given = network(drop_rate=0.3).eval(), team(line(12, steps=20, batch=12))._replace(sample=False)
    output = think(net, given)
    post, lost = output.extras["thought"].post, output.drawn["lost"]
    masks = torch.stack([parcel.delivered for parcel in post.ledger.values()])
    assert (masks == masks[0]).all() and torch.equal(masks[0], post.links.heard * (1 - lost))
    share = 1 - masks[0].sum() / post.links.heard.sum()
    assert share == pytest.approx(0.3, abs=0.02), f"{share:.3f} of {post.links.heard.sum():.0f} messages"
    inner = masks[0, :, :, 1:-1, :2]  # both slots of those who have two neighbours
    for one, other in ((inner[..., 0], inner[..., 1]), (inner[:, 1:], inner[:, :-1])):
        together = ((one == 0) & (other == 0)).float().mean()
        assert together == pytest.approx(0.09, abs=0.02), "one draw has nothing to do with another"
    figures = post.limits.figures(given.alive)
    assert figures["lost_share"].value == pytest.approx(share) and "withheld_share" not in figures


def test_losses_are_drawn_by_the_channel_and_no_decision_of_anybodys():
    """Without gates and triggers there is no log-probability; and others' draws stay as they were."""
    given = team(line(5, steps=3))
    assert think(network(drop_rate=0.5, replan_every=1), given).log_probs is None
    plain, lossy = (network(drop_rate=rate, gate_budget=0.5) for rate in (0.0, 0.5))
    found = [think(net, given).drawn for net in (plain, lossy)]
    assert set(found[1]) - set(found[0]) == {"lost"}
    assert torch.equal(found[0]["noise"], found[1]["noise"]) and torch.equal(found[0]["gate"], found[1]["gate"])
    torch.manual_seed(3)
    lossy.restart_draws()
    first = think(lossy, given).drawn["lost"]
    torch.manual_seed(3)
    lossy.restart_draws()
    assert torch.equal(think(lossy, given).drawn["lost"], first)
    assert not torch.equal(think(lossy, given).drawn["lost"], first)


@pytest.mark.parametrize("options", [{"drop_rate": 1 - 1e-7}, {"byte_budget": 63}, {"delay": 50}])
def test_where_nothing_gets_through_a_team_is_its_silent_twin(options):
    options = {"rounds": 2, **options}
    net, edges = network(**options), line(5, steps=4)
    given = team(edges)._replace(sample=False)
    cut_off = think(net, given)
    alone = think(net, given._replace(adjacency=torch.zeros_like(edges)))
    assert (cut_off.extras["thought"].post.received_bytes() == 0).all()
    assert torch.equal(cut_off.logits, alone.logits) and torch.equal(cut_off.values, alone.values)
    without = think(network(rounds=2), given)
    assert not torch.allclose(without.logits, alone.logits), "with all messages it is another"


# -- byte budget -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("budget", "sent"),
    [
        (64, ["feedback"]),
        (191, ["feedback", "goal"]),
        (192, ["feedback", "goal", "subgoals"]),
        (383, ["feedback", "goal", "subgoals", "assignment"]),
        (515, ["feedback", "goal", "subgoals", "assignment", "recursion", "planning"]),
        (516, ["feedback", "goal", "subgoals", "assignment", "recursion", "grounding"]),
        (644, list(SIZES)),
    ],
)
def test_what_does_not_fit_into_the_budget_is_not_sent_and_what_fits_later_is(budget, sent):
    net, given = network(byte_budget=budget), team(line(4, steps=2))
    t = think(net, given).extras["thought"]
    assert list(t.post.ledger) == list(SIZES)
    for kind, parcel in t.post.ledger.items():
        assert 4 * parcel.floats == SIZES[kind]
        assert torch.equal(parcel.delivered, t.links.heard * (kind in sent)), kind
    total = sum(SIZES[kind] for kind in sent)
    assert torch.equal(t.post.received_bytes(), total * t.links.heard.sum(-1)) and 4 * net.message_floats == total
    withheld = t.post.limits.figures(given.alive)["withheld_share"].value
    assert withheld == pytest.approx(1 - len(sent) / len(SIZES))


def test_rounds_of_which_only_some_fit_are_counted_as_they_were_sent():
    t = think(network(byte_budget=64 * 4 + 128, rounds=3), team(line(3))).extras["thought"]
    parcel = t.post.ledger["recursion"]
    assert [int(delivered.sum()) for _, delivered in parcel.parts] == [4, 0, 0]
    assert parcel.received.sum() == 4 * 32 and parcel.floats == 3 * 32
    assert torch.equal(t.post.received_bytes(), 384 * t.links.heard.sum(-1))


def test_a_gate_that_is_closed_saves_no_budget_for_another_step():
    net = network(byte_budget=200, gate_budget=0.5)
    t = think(net, team(line(5, steps=12))).extras["thought"]
    by_link = sum(4 * parcel.received for parcel in t.post.ledger.values())
    assert set(by_link.unique().tolist()) == {0.0, 192.0}


@pytest.mark.parametrize("preset", ["tiny", "small", "paper"])
def test_more_communication_sends_no_less_under_any_budget(preset):
    """As many bytes as each mode may send over a link, which is what it sends where all are chosen."""
    for budget in [*range(4, 4000, 52), None]:
        most = [
            within([size for _, size in letters(Options.of(preset, communication=mode))], budget)
            for mode in ("none", "basic", "selective", "full")
        ]
        assert most == sorted(most) and most[0] == 0, budget
        assert budget is None or 4 * most[-1] <= budget


@pytest.mark.parametrize("budget", [64, 130, 400])
def test_bytes_that_arrive_are_ordered_as_the_modes_are_under_a_budget(budget):
    given, received = team(line(6, steps=4, batch=3)), []
    for mode in ("basic", "selective", "full"):
        t = think(network(byte_budget=budget, communication=mode), given).extras["thought"]
        received.append(t.post.received_bytes())
        assert (received[-1] <= budget * t.links.heard.sum(-1)).all()
    basic, selective, full = (float(one.sum()) for one in received)
    assert 0 < basic <= selective <= full
    assert (basic < selective < full) == (budget >= 128), "the sub-goals fit, and went to some"


# -- options -----------------------------------------------------------------------------------------------------------
def test_without_limits_nothing_is_built_stored_or_drawn():
    net, given = network(delay=0, drop_rate=0.0, byte_budget=None), team(line(4, steps=2))
    output = think(net, given)
    assert net.limits is None and output.extras["thought"].post.limits is None
    assert set(output.drawn) == {"noise", "replan"} and not any(name.startswith("mail") for name in output.state)
    silent = network(communication="none", delay=2, drop_rate=0.5, byte_budget=10)
    assert silent.limits is None, "where nobody talks there is no channel to limit"
    limited = network(delay=2, drop_rate=0.5, byte_budget=10)
    assert limited.state_dict().keys() == net.state_dict().keys(), "the same weights fit with limits and without"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"delay": -1}, "delay is the steps that a message takes, a whole number of 0 or more, not -1"),
        ({"delay": 1.5}, "a whole number of 0 or more, not 1.5"),
        ({"delay": True}, "not True"),
        ({"drop_rate": 1.0}, "0 or more and below 1, not 1.0; to lose all of them say communication: none"),
        ({"drop_rate": -0.1}, "not -0.1"),
        ({"drop_rate": "0.1"}, "not '0.1'"),
        ({"byte_budget": 0}, "a whole number of 1 or more, or null for any number, not 0"),
        ({"byte_budget": 12.5}, "not 12.5"),
    ],
)
def test_limits_that_make_no_sense_are_refused_in_a_sentence(given, says):
    with pytest.raises(RemalisError, match=says.replace(".", r"\.")):
        Options.of("tiny", **given)

"""Planning: the next sub-goal, who says when it is planned anew, and what feedback does to it."""

from __future__ import annotations

import pytest
import torch
from remalis_teams import ARMS, SUBGOALS, begin, line, network, team, think

from remalis_agents.networks.remalis import losses
from remalis_agents.networks.remalis.feedback import ReplanningTrigger, ages, held

SILENT_BUT = {"rounds": 0, "composition": False, "shared_planning": False}


def test_overfits_a_fixed_batch_and_keeps_off_what_does_not_exist():
    net, given = network(spread=0.0), team(line(5, steps=2, batch=4), arms=3)
    labels = torch.randint(ARMS - 1, given.alive.shape)
    labels[0] = SUBGOALS - 1
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(120):
        t = think(net, given).extras["thought"]
        loss = losses.of_labels(t.plan_logits, labels, given.alive)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    t = think(net, given).extras["thought"]
    assert (t.plan_logits.argmax(-1) == labels).float().mean() > 0.95
    assert (t.fresh_plan[..., 3] == 0).all(), "the fourth arm does not exist"
    torch.testing.assert_close(t.fresh_plan.sum(-1), torch.ones_like(given.alive))


@pytest.mark.parametrize("feedback", [True, False])
def test_neighbours_outcomes_reach_planning_through_feedback_alone(feedback):
    """Where nothing is heard of intentions, plans know of neighbours what feedback tells, or nothing."""
    net, given = network(feedback=feedback, **SILENT_BUT), team(line(3))
    with torch.no_grad():
        for parameter in net.hearing.content.parameters():
            parameter.zero_()
    seen = given.observations.clone().requires_grad_()
    t = net(begin(net, given._replace(observations=seen))).extras["thought"]
    (gradient,) = torch.autograd.grad(t.fresh_plan[0, 0, 0].square().sum(), seen)
    assert gradient[0, 0, 0].abs().sum() > 0 and (gradient[0, 0, 1].abs().sum() > 0) == feedback


def test_feedback_sends_one_type_of_message_and_leaving_it_out_sends_none():
    kinds = [set(think(network(feedback=on), team(line(3))).extras["thought"].post.ledger) for on in (True, False)]
    assert kinds[0] - kinds[1] == {"feedback"} and kinds[1] <= kinds[0]


def slow(fresh, fired, before):
    rows, now = [], before
    for t in range(fresh.shape[1]):
        now = torch.where(fired[:, t].unsqueeze(-1) > 0, fresh[:, t], now)
        rows.append(now)
    return torch.stack(rows, 1)


def test_a_plan_stands_until_the_next():
    fresh, before = torch.randn(2, 6, 3, 4), torch.randn(2, 3, 4)
    fired = (torch.rand(2, 6, 3) < 0.4).float()
    assert torch.equal(held(fresh, fired, before), slow(fresh, fired, before))


def test_ages_count_the_steps_of_a_plan():
    fired = torch.tensor([[[1.0], [0.0], [0.0], [1.0], [0.0]]])
    before, after = ages(fired, torch.zeros(1, 1))
    assert before.flatten().tolist() == [0, 1, 2, 3, 1] and after.item() == 2
    before, after = ages(torch.zeros(1, 3, 1), torch.full((1, 1), 4.0))
    assert before.flatten().tolist() == [4, 5, 6] and after.item() == 7


def test_plans_are_renewed_at_least_every_so_many_steps():
    net, given = network(replan_every=3), team(line(3, steps=12))
    with torch.no_grad():
        for parameter in net.trigger.look.parameters():
            parameter.fill_(-50.0 if parameter.dim() == 1 else 0.0)
    state, fired = begin(net, given).state, []
    for t in range(12):
        step = given._replace(**{n: getattr(given, n)[:, t : t + 1] for n in given._fields[:4]}, state=state)
        output = net(step)
        state = output.state
        fired.append(output.drawn["replan"])
    fired = torch.cat(fired, 1)
    assert fired[0, :, 0].tolist() == [1, 0, 0] * 4
    whole = net(begin(net, given)._replace(drawn={"replan": fired, "noise": torch.zeros(1, 12, 3, 8)}))
    assert (whole.log_probs.exp() > 0.99).all(), "what was forced was no decision, and what was not was all but certain"


def test_a_sequence_that_is_drawn_at_once_keeps_to_the_ages():
    trigger = ReplanningTrigger(4, 3)
    never = torch.full((1, 7, 2), -50.0)
    fired = trigger.draw(never, torch.tensor([[0.0, 2.0]]), sample=True)
    assert fired[0, :, 0].tolist() == [1, 0, 0, 1, 0, 0, 1] and fired[0, :, 1].tolist() == [0, 1, 0, 0, 1, 0, 0]
    before, _ = ages(fired, torch.tensor([[0.0, 2.0]]))
    assert ((before > 0) & (before < 3) | (fired > 0)).all()


def test_misalignment_fires_the_trigger():
    trigger = ReplanningTrigger(4, 10)
    inputs = torch.zeros(1, 1, 1, 4)
    low, high = (trigger.logits(inputs, torch.full((1, 1, 1), e)) for e in (0.0, 1.0))
    assert high > low
    with torch.no_grad():
        trigger.sensitivity.fill_(-20.0)
    low, high = (trigger.logits(inputs, torch.full((1, 1, 1), e)) for e in (0.0, 1.0))
    assert high >= low, "whatever is learnt, an error never speaks for the old plan"


def test_errors_are_learnt_from_the_record():
    """Agents whose last number is large were misaligned."""
    net = network(spread=0.0)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for step in range(80):
        given = team(line(4, batch=16), seed=step)
        label = (given.observations[..., -1] > 0).float()
        logits = think(net, given).extras["thought"].error_logits
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    given = team(line(4, batch=16), seed=1000)
    t, bad = think(net, given).extras["thought"], given.observations[..., -1] > 0
    assert t.error[bad].mean() > 0.7 > 0.3 > t.error[~bad].mean()
    assert t.replan_logits[bad].mean() > t.replan_logits[~bad].mean()


def test_steps_one_by_one_are_the_sequence_at_once():
    net, given = network(spread=0.05, gate_budget=0.5), team(line(4, steps=7))
    state, outputs = begin(net, given).state, []
    for t in range(7):
        step = given._replace(**{n: getattr(given, n)[:, t : t + 1] for n in given._fields[:4]}, state=state)
        outputs.append(net(step))
        state = outputs[-1].state
    drawn = {name: torch.cat([o.drawn[name] for o in outputs], 1) for name in outputs[0].drawn}
    whole = net(begin(net, given)._replace(drawn=drawn))
    assert set(drawn) == {"noise", "replan", "gate"}
    torch.testing.assert_close(whole.logits, torch.cat([o.logits for o in outputs], 1))
    torch.testing.assert_close(whole.values, torch.cat([o.values for o in outputs], 1))
    torch.testing.assert_close(whole.log_probs, torch.cat([o.log_probs for o in outputs], 1))
    for name, value in whole.state.items():
        torch.testing.assert_close(value, state[name])

"""What hangs on the links or the weights alone is worked out once, and anew as soon as they change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from remalis_teams import begin, line, network, team
from torch.utils._python_dispatch import TorchDispatchMode

from remalis_agents.networks.remalis.confusion import Confusion

AGENTS = 11
"""No other dimension is as long."""


class Seen(TorchDispatchMode):
    """Names of the operations that read or made such a tensor."""

    def __init__(self, such: Callable[[torch.Tensor], bool]) -> None:
        super().__init__()
        self.such, self.operations = such, []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        if any(isinstance(one, torch.Tensor) and self.such(one) for one in (*args, made)):
            self.operations.append(function.overloadpacket.__name__)
        return made


@pytest.fixture
def acting():
    """A network that has acted once, and its team's next inputs."""
    net = network(gate_budget=1.0, rounds=2)
    given = begin(net.eval(), team(line(AGENTS)))
    with torch.no_grad():
        first = net.act(given)
    return net, given._replace(state=first.state), first


def again(net, given):
    with torch.no_grad():
        return net.act(given._replace(adjacency=given.adjacency.clone(), alive=given.alive.clone()))


def test_a_second_step_with_the_same_links_only_compares_them(acting):
    net, given, first = acting
    with Seen(lambda tensor: tensor.shape[-2:] == (AGENTS, AGENTS)) as seen:
        second = again(net, given)
    assert set(seen.operations) <= {"clone", "equal"}, "clone is the test's own"
    before, after = first.extras["thought"], second.extras["thought"]
    assert after.links is before.links and after.reach is before.reach
    assert after.post.reach.share is before.post.reach.share
    assert after.post.reach.present is before.post.reach.present


def test_a_second_step_works_out_neither_vocabulary_nor_confusion(acting):
    net, given, _ = acting
    behind = (net.grounding.remembered.weight, net.confusion.matrix, net.confusion.memory)
    places = {tensor.data_ptr() for tensor in behind}
    with Seen(lambda tensor: tensor.data_ptr() in places) as seen:
        again(net, given)
    assert seen.operations == ["equal"] * 3
    with torch.no_grad():
        assert net.grounding.keys() is net.grounding.keys()


@pytest.mark.parametrize("what", ["adjacency", "alive"])
def test_links_that_change_where_they_lie_are_worked_out_anew(what):
    """Environments write into the same memory again."""
    net, given = network().eval(), team(line(AGENTS))
    memory = {"adjacency": given.adjacency.numpy().copy(), "alive": given.alive.numpy().copy()}
    given = begin(net, given._replace(**{name: torch.as_tensor(one) for name, one in memory.items()}))
    noise = {"noise": torch.zeros(1, 1, AGENTS, 8), "replan": torch.ones(1, 1, AGENTS)}
    with torch.no_grad():
        state = net.act(given).state
        memory[what][..., 2] = 0.0
        found = net.act(given._replace(state=state, drawn=noise))
        fresh = network().eval().act(given._replace(state=state, drawn=noise))
    assert torch.equal(found.extras["thought"].links.heard, fresh.extras["thought"].links.heard)
    assert torch.equal(found.logits, fresh.logits)
    assert found.extras["thought"].links.heard.sum() < 2 * (AGENTS - 1)


def _fused(net):
    optimizer = torch.optim.AdamW(net.parameters(), 0.1, fused=True)
    for weights in net.parameters():
        weights.grad = torch.ones_like(weights)
    optimizer.step()


CHANGES = {
    "in place": lambda net: net.grounding.vocabulary.weight.data.add_(1.0),
    "a fused optimiser": _fused,
    "loaded": lambda net: net.load_state_dict({k: v + 1.0 for k, v in net.state_dict().items()}),
    "remembered": lambda net: net.confusion.observe(torch.tensor([0]), torch.tensor([1]), torch.ones(1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_hangs_on_weights_follows_every_change_of_them(change):
    net = network().eval()
    with torch.no_grad():
        before = net.grounding.keys()
        assert net.grounding.keys() is before
        CHANGES[change](net)
        after = net.grounding.keys()
    assert not torch.equal(before, after)
    torch.testing.assert_close(after, net.grounding.keys(), msg="without gradients as with them")


def test_confusion_follows_its_matrix_and_its_strength():
    confusion = Confusion(3)
    with torch.no_grad():
        assert confusion.factors().tolist() == [1.0, 1.0, 1.0]
        confusion.observe(torch.tensor([0]), torch.tensor([1]), torch.ones(1))
        assert confusion.factors().tolist() == [0.75, 0.75, 1.0]
        confusion.strength = 0.0
        assert confusion.factors().tolist() == [1.0, 1.0, 1.0]


def test_keys_that_were_kept_still_learn():
    net = network().eval()
    with torch.no_grad():
        net.grounding.keys()
    net.grounding.keys().sum().backward()
    assert net.grounding.vocabulary.weight.grad.abs().sum() > 0


def test_acting_says_what_the_whole_pass_says_and_leaves_out_the_values(acting):
    net, given, _ = acting
    noise = {"noise": torch.zeros(1, 1, AGENTS, 8), "replan": torch.ones(1, 1, AGENTS)}
    given = given._replace(drawn=noise)
    heard = []
    # Whoever listens to the network's passes hears of both.
    net.register_forward_hook(lambda *_: heard.append("pass"))
    net.value.register_forward_hook(lambda *_: heard.append("value"))
    with torch.no_grad():
        whole, acted = net(given), net.act(given)
    assert heard == ["value", "pass", "pass"]
    assert torch.equal(acted.logits, whole.logits) and torch.equal(acted.log_probs, whole.log_probs)
    assert all(torch.equal(acted.state[name], value) for name, value in whole.state.items())

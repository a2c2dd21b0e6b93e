"""Confusion and its memory: what is mistaken is damped, remembered, and costs something."""

from __future__ import annotations

import torch
from remalis_teams import CONCEPTS, begin, line, network, team

from remalis_agents.networks.remalis.confusion import Confusion, ConfusionLoss


def seen(true, taken_for):
    confusion = Confusion(4, strength=1.0)
    confusion.observe(torch.tensor(true), torch.tensor(taken_for), torch.ones(len(true)))
    return confusion


def test_rows_are_shares_of_what_was_true():
    confusion = seen([0, 0, 0, 0, 1, -1], [0, 0, 1, 2, 1, 3])
    assert confusion.matrix[0].tolist() == [0.5, 0.25, 0.25, 0.0] and confusion.matrix[1].tolist() == [0, 1, 0, 0]
    assert (confusion.matrix[2:] == 0).all(), "never seen"
    assert confusion.memory.tolist() == [[0, 1, 1, 0], [0] * 4, [0] * 4, [0] * 4]


def test_confusable_pairs_are_damped_and_nothing_else():
    confusion, logits = seen([0, 0, 1, 1, 2], [0, 1, 0, 1, 2]), torch.tensor([2.0, 2.0, 2.0, 2.0])
    assert confusion(logits).tolist() == [1.0, 1.0, 2.0, 2.0]


def test_without_confusion_nothing_changes():
    logits = torch.randn(3, 4)
    assert torch.equal(seen([0, 1, 2, 3], [0, 1, 2, 3])(logits), logits)
    assert torch.equal(Confusion(4, gate="off")(logits), logits)


def test_literal_strengthens_what_is_confused():
    confusion = seen([0, 0, 1, 1, 2], [0, 1, 0, 1, 2])
    confusion.gate = "literal"
    assert confusion(torch.full((4,), 2.0)).tolist() == [1.0, 1.0, 0.0, 0.0]


def test_running_rows_move_slowly_and_rest_while_unseen():
    confusion = seen([0, 1], [0, 1])
    confusion.observe(torch.tensor([0]), torch.tensor([3]), torch.ones(1))
    torch.testing.assert_close(confusion.matrix[0], torch.tensor([0.95, 0.0, 0.0, 0.05]))
    assert confusion.matrix[1].tolist() == [0, 1, 0, 0]
    confusion.observe(torch.tensor([0]), torch.tensor([3]), torch.zeros(1))
    assert confusion.memory[0].tolist() == [0, 0, 0, 1], "a step that does not count"


def test_memory_changes_grounding_survives_a_checkpoint_and_adds_up():
    net, given = network(), team(line(3))
    before = net(begin(net, given)).extras["thought"].grounded.embedding
    net.confusion.memory[0, 1] = 50.0
    once = net(begin(net, given)).extras["thought"].grounded.embedding
    net.confusion.memory[0, 1] *= 2
    twice = net(begin(net, given)).extras["thought"].grounded.embedding
    assert not torch.allclose(before, once) and not torch.allclose(once, twice)
    restored = network(seed=1)
    restored.load_state_dict(net.state_dict())
    assert torch.equal(restored.confusion.memory, net.confusion.memory)
    one, other = seen([0, 0], [1, 2]), seen([0, 3], [1, 1])
    both = seen([0, 0, 0, 3], [1, 2, 1, 1])
    assert torch.equal(one.memory + other.memory, both.memory)


def confusable(seed):
    """Concepts 0 and 1 look nearly alike."""
    generator = torch.manual_seed(seed)
    true = torch.randint(4, (256,), generator=generator)
    centres = torch.tensor([[1.0, 0.0], [0.8, 0.3], [-1.0, 0.0], [0.0, -1.0]])
    return centres[true] + 0.15 * torch.randn(256, 2, generator=generator), true


def test_the_loss_alone_raises_accuracy_on_what_is_confused():
    model, loss = torch.nn.Linear(2, 4), ConfusionLoss(8)
    words = torch.randn(4, 8)
    optimizer = torch.optim.Adam(model.parameters(), 0.03)

    def accuracy():
        points, true = confusable(999)
        pair = true < 2
        return float((model(points).argmax(-1) == true)[pair].float().mean())

    before = accuracy()
    for step in range(300):
        points, true = confusable(step)
        price = loss(model(points).softmax(-1), true, torch.ones(len(true)), words)
        optimizer.zero_grad()
        price.backward()
        optimizer.step()
    assert accuracy() > max(before, 0.8)


def test_attention_looks_where_the_loss_is_only_when_it_is_trained_to():
    fixed, trained = ConfusionLoss(8), ConfusionLoss(8, adversarial=True)
    assert not list(fixed.parameters()) and list(trained.parameters())
    words, odd = torch.randn(4, 8), torch.zeros(64, 4)
    odd[:, 1], true = 1.0, torch.zeros(64, dtype=torch.long)
    optimizer = torch.optim.SGD(trained.parameters(), 0.5)
    before = trained.attention(words)[0, 1].item()
    for _ in range(50):
        optimizer.zero_grad()
        trained(odd, true, torch.ones(64), words).backward()
        optimizer.step()
    assert trained.attention(words)[0, 1] > before
    assert network().concept_count == CONCEPTS

"""The one-bit channel: whatever an agent sees, its neighbours can tell two cases apart."""

from __future__ import annotations

import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import make_network


def network():
    torch.manual_seed(0)
    return make_network("one_bit", SIZE, COUNT, {"layout": LAYOUT})


def many_speakers(views=40):
    """One listener, and one speaker that sees something else in each team of the batch."""
    team = inputs(batch=views, agents=2)
    observations = team.observations.clone()
    observations[:, 0] = observations[0, 0]
    return team._replace(observations=observations, sample=False)


def test_a_listener_hears_two_cases_and_no_more():
    net, team = network(), many_speakers()
    output = net(team)
    bits = output.extras["bits"][:, 1]
    assert set(bits.tolist()) == {0.0, 1.0}, "exactly, or more than a bit would pass"
    for said in (0.0, 1.0):
        heard = output.logits[bits == said, 0], output.values[bits == said, 0]
        assert all(torch.equal(x, x[:1].expand_as(x)) for x in heard), "flipping no bit changes nothing"
    assert not torch.equal(output.logits[bits == 0, 0][0], output.logits[bits == 1, 0][0])
    assert net.message_floats * 32 == 1


def test_bits_are_drawn_with_the_speakers_probability():
    net, team = network(), many_speakers(views=2)
    many = team._replace(
        **{
            name: getattr(team, name)[:1].expand(4000, *getattr(team, name).shape[1:])
            for name in ("observations", "alive", "action_mask", "adjacency")
        },
        sample=True,
    )
    with torch.no_grad():
        output = net(many)
        share = torch.sigmoid(net.speak(net.encoder(net.reader(team.observations[:1])[1]))).squeeze()
    assert (share > 0.1).all() and (share < 0.9).all(), "a case in which both are said"
    torch.testing.assert_close(output.extras["bits"].mean(0), share, atol=0.03, rtol=0)


def test_the_same_noise_says_the_same_until_the_speaker_changes_its_mind():
    net, team = network(), many_speakers()._replace(sample=True)
    first = net(team)
    replayed = team._replace(drawn=first.drawn)
    assert torch.equal(net(replayed).extras["bits"], first.extras["bits"])
    with torch.no_grad():
        net.speak.bias.fill_(100.0)
    assert (net(replayed).extras["bits"] == 1).all(), "a stored bit would hide that the policy changed"


def test_a_speaker_learns_from_its_listener():
    net, team = network(), many_speakers()
    net(team).logits[:, 0].square().sum().backward()
    assert net.speak.weight.grad.abs().max() > 0

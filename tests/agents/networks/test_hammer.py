"""HAMMER: agents know of each other through a few numbers from the centre, and nothing else."""

from __future__ import annotations

import torch
from network_inputs import COUNT, LAYOUT, SIZE, inputs

from remalis_agents.networks import make_network


def network(**options):
    torch.manual_seed(0)
    return make_network("hammer", SIZE, COUNT, {"layout": LAYOUT, "message": 2, **options})


def influence(net, team, listener=0):
    """How one agent's logits move with all the others' vectors: ``[A, others]``."""

    def logits(observations):
        return net(team._replace(observations=observations)).logits[0, listener]

    jacobian = torch.autograd.functional.jacobian(logits, team.observations)[:, 0]
    others = [i for i in range(team.alive.shape[-1]) if i != listener]
    return jacobian[:, others].flatten(1)


def rank(matrix):
    values = torch.linalg.svdvals(matrix)
    return int((values > 1e-5 * values[0]).sum())


def test_others_matter_only_through_the_numbers_of_one_message():
    team = inputs(batch=1, agents=6, edges="none")
    assert rank(influence(network(message=1), team)) == 1
    assert rank(influence(network(message=2), team)) == 2
    assert network(message=2).message_floats == 2


def test_agents_cannot_talk_and_the_centre_needs_no_edges_to_see():
    seen = influence(network(), inputs(batch=1, agents=5, edges="none")).unflatten(-1, (4, SIZE))
    assert (seen.abs().amax((0, 2)) > 0).all()


def test_the_centre_knows_who_is_whose_neighbour():
    team = inputs(batch=2, agents=5, edges="none")
    net = network()
    assert not torch.allclose(net(team).logits, net(inputs(batch=2, agents=5, edges="line")).logits)


def test_what_an_agent_gains_from_its_message_teaches_the_centre():
    net, team = network(), inputs()
    net(team).logits[:, 0].square().sum().backward()
    centre = [p for part in (net.see, net.weigh, net.say) for p in part.parameters()]
    assert all(p.grad is not None for p in centre)
    assert max(p.grad.abs().max() for p in centre) > 0


def test_messages_are_as_short_as_they_are_bounded():
    net, team = network(message=3), inputs()
    with torch.no_grad():
        for parameter in net.say.parameters():
            parameter.mul_(100)
    content = net.communicate(net.encoder(net.reader(team.observations)[1]), team).content
    assert content.shape == (3, 4, 3)
    assert content.abs().max() <= 1

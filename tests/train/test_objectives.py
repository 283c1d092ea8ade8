"""Objectives of language, pairs, alignment, distillation and preference: each is its formula, computed another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from scipy.optimize import linear_sum_assignment, linprog
from scipy.special import expit, log_expit, log_softmax, logsumexp, rel_entr, softmax
from torch import Tensor

from limner.errors import LimnerError
from limner.models.sequence import IGNORED
from limner.train.objectives import contrastive, distillation, language, matching, policy, preference, transport

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_likelihood_is_the_sum_over_labels_that_count():
    logits, labels = torch.randn(6, 5), torch.tensor([1, IGNORED, 4, 0, IGNORED, 2])
    weight = torch.rand(6)
    rows = [i for i in range(6) if labels[i] != IGNORED]
    told = log_softmax(logits.numpy(), 1)
    norm = logsumexp(logits.numpy(), 1)
    assert language.likelihood(logits, labels).item() == pytest.approx(-sum(told[i, labels[i]] for i in rows), rel=1e-5)
    wanted = sum(float(weight[i]) * (-told[i, labels[i]] + 0.1 * norm[i] ** 2) for i in rows)
    assert language.likelihood(logits, labels, weight, calm=0.1).item() == pytest.approx(wanted, rel=1e-5)


def test_no_labels_have_no_loss_and_gradients_of_zero():
    logits = torch.randn(3, 5, requires_grad=True)
    loss = language.likelihood(logits, torch.full((3,), IGNORED))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert logits.grad.abs().sum() == 0


def test_labels_never_cross_sequences():
    ids, sequence = torch.arange(9), torch.tensor([0, 0, 0, 1, 2, 2, 2, 2, 3])
    labels = language.shifted(ids, sequence)
    for t in range(9):
        within = t + 1 < 9 and sequence[t + 1] == sequence[t]
        assert labels[t] == (ids[t + 1] if within else IGNORED)


def test_tokens_are_hidden_as_bert_hides_them():
    ids, able = torch.randint(10, 1000, (200, 100)), torch.rand(200, 100) < 0.7
    given, labels = language.hidden(ids, able, mask=3, vocabulary=1000, share=0.15, chance=torch.Generator().manual_seed(1))
    chosen = labels != IGNORED
    assert not (chosen & ~able).any()
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(given[~chosen], ids[~chosen])
    assert chosen[able].float().mean().item() == pytest.approx(0.15, abs=0.01)
    assert (given[chosen] == 3).float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert (given[chosen] == ids[chosen]).float().mean().item() == pytest.approx(0.1, abs=0.03)


def units(rows: int) -> Tensor:
    return torch.nn.functional.normalize(torch.randn(rows, 7), dim=1)


@pytest.mark.parametrize("group", [None, [0, 0, 1, 2, 1, 3]])
def test_infonce_tells_partners_both_ways(group: list[int] | None):
    a, b = units(6), units(6)
    scores = 5 * (a @ b.t()).numpy().astype(float)
    kept = np.ones((6, 6), bool) if group is None else ~np.equal.outer(group, group) | np.eye(6, dtype=bool)
    scores[~kept] = -np.inf
    wanted = -sum(log_softmax(scores, 1)[i, i] + log_softmax(scores, 0)[i, i] for i in range(6)) / 2
    found = contrastive.infonce(a, b, 5.0, None if group is None else torch.tensor(group))
    assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_infonce_has_gradients_where_groups_are_left_out():
    a = units(4).requires_grad_()
    contrastive.infonce(a, units(4), 5.0, torch.tensor([0, 0, 0, 0])).backward()
    assert a.grad is not None
    assert a.grad.abs().sum() == 0


@pytest.mark.parametrize("group", [None, [0, 0, 1, 2, 1, 3]])
def test_sigmoid_tells_every_pair_by_itself(group: list[int] | None):
    a, b = units(6), units(6)
    scores = 5 * (a @ b.t()).numpy().astype(float) - 2
    wanted = 0.0
    for i in range(6):
        for j in range(6):
            if i == j or group is None or group[i] != group[j]:
                wanted -= log_expit(scores[i, j] if i == j else -scores[i, j])
    found = contrastive.sigmoid(a, b, 5.0, -2.0, None if group is None else torch.tensor(group))
    assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_pairs_without_pairs_cost_nothing():
    none = torch.zeros(0, 7)
    assert contrastive.infonce(none, none, 1.0).item() == contrastive.sigmoid(none, none, 1.0, 0.0).item() == 0


def test_matching_is_logistic_regression():
    logits, same = torch.randn(8), torch.rand(8) < 0.5
    chance = expit(logits.numpy().astype(float))
    wanted = -sum(math.log(p if y else 1 - p) for p, y in zip(chance, same, strict=True))
    assert matching.matching(logits, same).item() == pytest.approx(wanted, rel=1e-5)


def test_wrong_partners_are_of_other_groups_and_as_many_as_asked():
    group = torch.arange(4000) % 50
    partner, same = matching.mismatched(group, 0.5, chance=torch.Generator().manual_seed(0))
    assert same.float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert torch.equal(partner[same], torch.arange(4000)[same])
    assert (group[partner[~same]] != group[~same]).all()


def test_hard_negatives_are_those_that_are_alike():
    group = torch.tensor([0, 0, 1, 2])
    likeness = torch.zeros(4, 4)
    likeness[0, 1], likeness[0, 3] = 50, 40  # the likest is of its own group
    for seed in range(20):
        partner, same = matching.mismatched(group, 1.0, likeness, torch.Generator().manual_seed(seed))
        assert partner[0] == 3
        assert not same[0]
    with pytest.raises(LimnerError, match="4 x 4"):
        matching.mismatched(group, 1.0, likeness[:2])


def test_an_item_without_any_other_group_keeps_its_own():
    partner, same = matching.mismatched(torch.zeros(3, dtype=torch.long), 1.0)
    assert partner.tolist() == [0, 1, 2]
    assert same.all()


def cheapest(cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """The exact cost of transport, by a linear program."""
    rows, columns = cost.shape
    given = np.concatenate([np.kron(np.eye(rows), np.ones(columns)), np.kron(np.ones(rows), np.eye(columns))])
    return float(linprog(cost.reshape(-1), A_eq=given, b_eq=np.concatenate([a, b])).fun)


def test_ipot_comes_to_the_plan_that_a_linear_program_finds():
    cost = torch.rand(5, 6, 9) * 2
    a, b = torch.rand(5, 6).softmax(1), torch.rand(5, 9).softmax(1)
    plan = transport.ipot(cost, a, b, beta=0.1, steps=1000)
    assert torch.allclose(plan.sum(2), a, atol=1e-3)
    assert torch.allclose(plan.sum(1), b, atol=1e-5)
    for i in range(5):
        exact = cheapest(
            cost[i].double().numpy(),
            a[i].double().numpy() / a[i].double().sum().item(),
            b[i].double().numpy() / b[i].double().sum().item(),
        )
        assert (plan[i] * cost[i]).sum().item() == pytest.approx(exact, abs=2e-3)


def test_with_uniters_settings_ipot_is_near_and_never_below():
    cost = torch.rand(20, 6, 9) * 2
    a, b = torch.full((20, 6), 1 / 6), torch.full((20, 9), 1 / 9)
    found = (transport.ipot(cost, a, b) * cost).sum((1, 2))
    exact = torch.tensor([cheapest(c.double().numpy(), np.full(6, 1 / 6), np.full(9, 1 / 9)) for c in cost])
    assert (found > exact - 1e-3).all()
    assert ((found - exact) / exact).mean() < 0.15


def test_as_many_words_as_regions_are_assigned_one_to_one():
    cost = torch.rand(8, 7, 7) * 2
    even = torch.full((8, 7), 1 / 7)
    plan = transport.ipot(cost, even, even, beta=0.05, steps=2000)
    for i in range(8):
        assert np.array_equal(plan[i].argmax(1).numpy(), linear_sum_assignment(cost[i].numpy())[1])


def test_what_is_not_there_carries_nothing():
    words, regions = torch.randn(2, 6, 4), torch.randn(2, 5, 4)
    word, region = torch.ones(2, 6, dtype=torch.bool), torch.ones(2, 5, dtype=torch.bool)
    word[0, 4:], region[0, 3:] = False, False
    loss, plan = transport.alignment(words, regions, word, region)
    assert plan[0, 4:].abs().sum() == plan[0, :, 3:].abs().sum() == 0
    alone, _ = transport.alignment(words[:1, :4], regions[:1, :3], word[:1, :4], region[:1, :3])
    assert loss[0].item() == pytest.approx(alone.item(), rel=1e-5)
    cost = 1 - torch.nn.functional.cosine_similarity(words[1][:, None], regions[1][None], dim=-1)
    assert loss[1].item() == pytest.approx((plan[1] * cost).sum().item(), rel=1e-5)


def test_plans_stay_exact_under_autocast():
    words, regions = torch.randn(4, 6, 8), torch.randn(4, 5, 8)
    there = [torch.ones(4, n, dtype=torch.bool) for n in (6, 5)]
    exact = transport.alignment(words, regions, *there)
    with torch.autocast("cpu", torch.bfloat16):
        found = transport.alignment(words, regions, *there)
    assert all(torch.equal(one, other) for one, other in zip(exact, found, strict=True))


def test_a_pair_without_words_costs_nothing_and_gradients_stay_finite():
    words = torch.randn(2, 3, 4, requires_grad=True)
    none = torch.zeros(2, 3, dtype=torch.bool)
    loss, _ = transport.alignment(words, torch.randn(2, 5, 4), none, torch.ones(2, 5, dtype=torch.bool))
    loss.sum().backward()
    assert loss.tolist() == [0, 0]
    assert words.grad is not None
    assert words.grad.abs().sum() == 0


def test_distillation_is_the_divergence_of_softened_chances():
    student, teacher = torch.randn(4, 6, requires_grad=True), torch.randn(4, 6, requires_grad=True)
    p, q = (softmax(x.detach().numpy().astype(float) / 3, 1) for x in (teacher, student))
    found = distillation.distillation(student, teacher, 3.0)
    assert found.item() == pytest.approx(9 * rel_entr(p, q).sum(), rel=1e-4)
    found.backward()
    assert teacher.grad is None
    chances = torch.from_numpy(p).float()
    assert distillation.divergence(student, chances).item() == pytest.approx(
        rel_entr(p, softmax(student.detach().numpy(), 1)).sum(), rel=1e-4
    )


def test_chances_of_zero_have_a_finite_divergence():
    logits = torch.randn(1, 3, requires_grad=True)
    found = distillation.divergence(logits, torch.tensor([[1.0, 0.0, 0.0]]))
    found.backward()
    assert found.item() == pytest.approx(-logits.log_softmax(1)[0, 0].item(), rel=1e-5)
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_features_are_distilled_by_distance_or_by_direction():
    a, b = np.random.default_rng(0).standard_normal((2, 3, 5))
    one, other = torch.from_numpy(a), torch.from_numpy(b)
    assert distillation.regression(one, other).item() == pytest.approx(((a - b) ** 2).sum(), rel=1e-5)
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert distillation.direction(one, other).item() == pytest.approx((1 - cosines).sum(), rel=1e-5)


def test_an_answer_is_as_likely_as_its_tokens_together():
    logits, labels = torch.randn(7, 5), torch.tensor([1, 2, IGNORED, 0, 4, 4, 3])
    answer = torch.tensor([0, 0, 0, 2, 2, 2, 2])
    told = log_softmax(logits.numpy(), 1)
    wanted = [told[0, 1] + told[1, 2], 0.0, told[3, 0] + told[4, 4] + told[5, 4] + told[6, 3]]
    assert preference.said(logits, labels, answer, 3).tolist() == pytest.approx(wanted, rel=1e-5)


def test_dpo_is_equation_7():
    w, l_, rw, rl = -torch.rand(4, 9) * 20
    margin = 0.1 * ((w - rw) - (l_ - rl)).numpy().astype(float)
    assert preference.dpo(w, l_, rw, rl).item() == pytest.approx(-np.log(expit(margin)).sum(), rel=1e-5)
    doubted = -(0.8 * np.log(expit(margin)) + 0.2 * np.log(expit(-margin))).sum()
    assert preference.dpo(w, l_, rw, rl, doubt=0.2).item() == pytest.approx(doubted, rel=1e-5)
    assert preference.bradley_terry(w, l_).item() == pytest.approx(-np.log(expit((w - l_).numpy().astype(float))).sum(), rel=1e-5)


def test_dpo_raises_the_better_answer_by_the_doubt_of_the_model():
    """Its gradient (section 4): beta sigmoid(-margin) for the better answer, the negative of it for the worse."""
    w, l_, rw, rl = (x.requires_grad_() for x in -torch.rand(4, 3))
    preference.dpo(w, l_, rw, rl, beta=0.5).backward()
    margin = 0.5 * ((w - rw) - (l_ - rl)).detach()
    assert w.grad is not None
    assert torch.allclose(w.grad, -0.5 * torch.sigmoid(-margin), atol=1e-6)
    assert torch.allclose(l_.grad, -w.grad)
    assert rw.grad is None


def test_advantages_are_within_groups():
    reward, group = torch.tensor([1.0, 0.0, 3.0, 5.0, 5.0, 0.1, 0.1]), torch.tensor([0, 1, 0, 1, 1, 2, 2])
    found = policy.advantages(reward, group).numpy()
    for g in (0, 1):
        own = reward.numpy()[group.numpy() == g]
        assert found[group.numpy() == g] == pytest.approx((own - own.mean()) / own.std(), rel=1e-5)
    assert not found[5:].any()
    assert policy.advantages(reward, group, scaled=False)[0].item() == pytest.approx(-1.0)


def test_a_policy_gradient_is_that_of_the_expected_reward():
    """Over all actions, weighted by how likely each is drawn, REINFORCE's gradient is the exact one."""
    logits = torch.randn(5, requires_grad=True)
    reward = torch.randn(5)
    (exact,) = torch.autograd.grad((logits.softmax(0) * reward).sum(), logits)
    told = logits.log_softmax(0)
    (found,) = torch.autograd.grad(policy.reinforce(told, logits.softmax(0).detach() * (reward - 7)), logits)
    assert torch.allclose(-found, exact, atol=1e-6)


def test_a_ratio_that_has_gone_far_enough_moves_no_further():
    before = torch.zeros(4)
    chance = torch.tensor([0.5, 0.5, -0.5, -0.5], requires_grad=True)
    advantage = torch.tensor([2.0, -2.0, 2.0, -2.0])
    loss = policy.clipped(chance, before, advantage, 0.2, 0.3)
    wanted = [
        min(math.exp(x) * a, min(max(math.exp(x), 0.8), 1.3) * a)
        for x, a in zip(chance.tolist(), advantage.tolist(), strict=True)
    ]
    assert loss.item() == pytest.approx(-sum(wanted), rel=1e-5)
    loss.backward()
    assert chance.grad is not None
    assert (chance.grad != 0).tolist() == [False, True, True, False]
    with pytest.raises(LimnerError, match="ratio"):
        policy.clipped(chance, before, advantage, low=1.5)


def test_where_nothing_has_moved_clipping_is_reinforce():
    chance = -torch.rand(6).requires_grad_()
    advantage = torch.randn(6)
    one, other = (
        torch.autograd.grad(loss, chance)[0]
        for loss in (policy.clipped(chance, chance, advantage), policy.reinforce(chance, advantage))
    )
    assert torch.allclose(one, other)


def test_the_estimate_of_divergence_is_unbiased_and_never_negative():
    p, r = torch.randn(2, 9).double().log_softmax(1)
    each = torch.stack([policy.divergence(p[i : i + 1], r[i : i + 1]) for i in range(9)])
    assert (each >= 0).all()
    assert (p.exp() * each).sum().item() == pytest.approx(rel_entr(p.exp().numpy(), r.exp().numpy()).sum(), rel=1e-6)

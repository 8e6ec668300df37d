"""How things are measured.  This room stands on models and below lab, bench and lessons; it needs none of them.

Estimates       estimates (mean, variance, straight line, Student's t), paired (two ways, seed by seed), power_laws,
                crossing (where something begins)
Verdicts        verdicts: agree, near, within, exactly, at_least, at_most, between; every one of them fails on NaN
Seeds           seeds: a generator for each part of an experiment;  progress: how far it is
Clocks          measuring (turns, medians, peak memory), stopwatch (threads and the clock that fits)
Counting        counting (FLOPs and bytes by formula), decoder_costs (the same of whole models of any size),
                counting_array (what the code really does), held_memory, dependent_steps (the longest chain of
                products)
Attention       sharpness (top weight, entropy, Jacobian), head_diversity, token_spread, induction, attention_rollout
Inside a model  ablation, activation_patching, linear_probe, covariate_shift, label_leakage, gradient_sign,
                dependence (which output moves with which input), equivariance (does it move along?), reach (after how
                many layers)
Quality         bleu, overlap, ranking, rank_agreement, embedding_search, repetition, exposure_bias, emergence,
                forgetting
Trust           calibration, uncertainty, out_of_distribution, bias, fairness
"""

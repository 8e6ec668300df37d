"""Right lines that are written in unusual ways, and wrong ones that nobody has put among the slips."""

from __future__ import annotations

import pytest

from lessons.practice.derive.derivation import derivations, find_derivation
from lessons.practice.derive.judging import Attempt

#: several lines stand between semicolons
RIGHT = {
    "binary-cross-entropy": (
        "\u2202z = (\u03c3(z) \u2212 t) \xf7 N",
        "dp = (1/N)*(p-t)*exp(-log(p) - log(1-p))",
        "a = t/p; b = (1-t)/(1-p); dp = (b - a)/N",
        "dz = dp*sigmoid(z)*sigmoid(-z)",
        "dz = (exp(z)/(1+exp(z)) - t)/N",
    ),
    "linear": (
        "o = sum(x, all)*0 + 1; db = sum(o*dy, tokens)",
        "dx = (W @ dy\u1d40)\u1d40",
        "db = diag(sum(dy, 0)) @ (b/b)",
        "dx = transpose(W @ dy.T)",
        "dx = matmul(dy, W.T)",
    ),
    "rnn-cell": (
        "da = dh*4/(exp(a)+exp(-a))^2",
        "da = dh*(1-tanh(a))*(1+tanh(a))",
        "da = dh*4*sigmoid(2*a)*(1-sigmoid(2*a))",
        "da = dh*exp(log(1 - h^2))",
        "dp = matmul(da, transpose(U))",
    ),
    "attention": (
        "J = diag(P) - outer(P, P); dS = J @ dP",
        "dS = P \u2299 (dP \u2212 \u03a3(dP \u2299 P))",
        "dS = P*dP - P*(sum(P*dP) / sum(P))",
        "dQ = exp(-0.5*log(D))*dS @ K",
        "dV = P\u1d40 @ dO",
    ),
    "dot-product-variance": (
        "var = sum(eye(D)*a*b, all)",
        "scaled = var/\u221aD/\u221aD",
        "factor = exp(-log(var)/2)",
        "v1 = exp(ln(a) + ln(b))",
        "v1 = a*b",
    ),
    "softmax": (
        "J = diag(P) - outer(P,P); dS = J @ dP",
        "dS = exp(S - logsumexp(S))*(dP - sum(dP*P))",
        "e = exp(S); dS = e/sum(e)*(dP - sum(e*dP)/sum(e))",
        "dS = P \u2218 (dP \u2212 \u2211(P \u2218 dP))",
        "g = P*dP; c = sum(g); dS = g - c*P",
    ),
    "softmax-jacobian": (
        "J = diag(exp(s))/sum(exp(s)) - outer(exp(s), exp(s))/sum(exp(s))^2",
        "J = diag(p)*(1-p) + (diag(p)-outer(p,p))*(1-eye(M))",
        "J = diag(p) @ (eye(M) - outer(p/p, p))",
        "J = diag(p) - diag(p) @ outer(p/p, p)",
        "J = outer(p,p/p)*(eye(M) - outer(p/p,p))",
    ),
    "mean-pool": (
        "dx = diag(sum(keep)) @ (0*x + dy)/n",
        "dx = outer(keep, dy)/n",
        "dx = mask/mask.sum(0)*dy",
        "dx = keep*dy/sum(keep, all)",
        "dx = keep*dy/(N*mean(keep, tokens))",
    ),
    "rope": (
        "dq\u2081 = dy\u2081*cos(\u03b8) + dy\u2082*sin(\u03b8)",
        "c = cos(a); s = sin(a); dq1 = c*dy1 + s*dy2; dq2 = -s*dy1 + c*dy2",
        "dq1 = cos(\u03b8)*dy1 + sin(\u03b8)*dy2",
        "dq1 = dy1*cos(theta)+dy2*sin(theta)",
        "dq1 = sin(theta)*dy2 + cos(theta)*dy1",
    ),
    "residual": (
        "da = (dy@U.T)*(1-h^2); dW = x.T @ da; dx = dy + da@W.T",
        "dx = dy + (dh*4*sigmoid(2*x@W)*(1-sigmoid(2*x@W))) @ W.T",
        "dU = tanh(x@W).T @ dy",
        "g = dh*(1-h^2); dx = dy + g @ W.T",
        "dx = dy @ eye(D) + (dh*(1-h)*(1+h)) @ W.T",
    ),
    "layer-norm": (
        "J = eye(D) - 1/D - outer(xhat, xhat)/D; dx = r*(J @ dxhat)",
        "dv = -0.5*sum(dxhat*(x-mu))*r^3; dmu = -r*sum(dxhat); dx = dxhat*r + dv*2*(x-mu)/D + dmu/D",
        "dv = -0.5*sum(dxhat*(x-mu))*(v+eps)^-1.5; dm = sum(-dxhat*r); dx = r*dxhat + 2/D*(x-mu)*dv + dm/D",
        "d\u03b3 = \u03a3(dy*x\u0302, axis=0)",
        "h = dxhat - mean(dxhat); dx = r*(h - xhat*mean(xhat*h))",
    ),
    "rms-norm": (
        "J = eye(D) - outer(x*r, x*r)/D; dx = r*(J @ (dy*gamma))",
        "dx = r*\u03b3*dy - r\xb3*x/D*sum(\u03b3*dy*x)",
        "n = x*r; g = dy*gamma; dx = (g - n*mean(g*n))*r",
        "dx = (dy*gamma - x*mean(x*dy*gamma)/(mean(x^2)+eps))/sqrt(mean(x^2)+eps)",
        "ms = mean(square(x)); dx = (ms+eps)^-0.5*dy*gamma - (ms+eps)^-1.5*x*mean(dy*gamma*x)",
    ),
    "gelu": (
        "dx = dy*(0.5*(1 + erf(x/\u221a2)) + x*exp(-x\xb2/2)/\u221a(2\u03c0))",
        "dx = dy*\u03a6(x) + x\u2299\u03c6(x)\u2299dy",
        "dx = dy*(\u03a6(x) + x*\u03c6(x))",
        "g = Phi(x); p = phi(x); dx = dy*(g + x*p)",
        "dx = dy*(0.5 + 0.5*erf(x/sqrt(2)) + x*e^(-x^2/2)/sqrt(2*pi))",
    ),
    "swiglu": (
        "db = dh*a*sigmoid(a)",
        "db = dh \u2299 silu(a)",
        "db = dh*a*\u03c3(a)",
        "dU = x\u1d40 @ db",
        "g = a*s; da = dh*b*(s + g*(1-s))",
    ),
    "cross-entropy": (
        "J = diag(P) - outer(P,P); dz = J @ dP",
        "dz = exp(z)/sum(exp(z))/N - Y/N",
        "dP = -Y/N*exp(-log(P))",
        "dz = P*(dP - sum(dP*P))",
        "dlogits = (P - Y)/N",
    ),
    "adam-bias": (
        "step = \u03b7*m\u0302/(\u221av\u0302 + \u03b5)",
        "m\u0302 = m/(1-\u03b2\u2081\u1d57)",
        "Em = mu*(1-exp(t*log(beta1)))",
        "v\u0302 = v*(1-\u03b22^t)**-1",
        "Em = mu - mu*\u03b21^t",
    ),
    "label-smoothing": (
        "L_min = -mean(sum(Q*log(Q)), tokens)",
        "Lmin = -sum(mean(Q*log(Q), tokens))",
        "Lmin = -sum(sum(Q*log(Q)), tokens)/N",
        "q = (1-\u03b5)*Y + \u03b5/V",
        "d = -Q/P/N; dz = P*(d - sum(d*P))",
    ),
    "temperature": (
        "J = (diag(P) - outer(P,P))/tau; dz = J @ dP",
        "u = z/tau; du = P*(dP - sum(dP*P)); dz = du/tau; dtau = -sum(du*u, all)/tau",
        "dtau = -(1/tau\xb2)*sum(P*(dP-sum(dP*P))*z, all)",
        "dz = P/\u03c4*(dP - \u03a3(P*dP))",
        "dtau = -sum(sum(dz*z), rows)/tau",
    ),
    "lora": (
        "dB = \u03b1/R * (x @ A)\u1d40 @ dy",
        "dz = alpha/R * dy @ B.T; dA = x.T @ dz; dx = dy @ W.T + dz @ A.T",
        "z = x@A; dB = z.T @ (alpha/R*dy)",
        "dB = alpha/R * (x@A).T @ dy",
        "dB = alpha/r * A.T @ (x.T @ dy)",
    ),
    "distillation": (
        "J = (diag(Q) - outer(Q,Q))/tau; dz = J @ dQ",
        "dQ = -tau^2/N*exp(log(P) - log(Q))",
        "dQ = -\u03c4\xb2/N * P/Q",
        "g = dQ*Q; dz = (g - Q*sum(g))/tau",
        "dQ = -tau\xb2*P/Q/N",
    ),
}

WRONG = {
    "binary-cross-entropy": (
        "dp = (p-t)/(p*(1-p))/N + 1e-6",
        "dp = (-1/p + (1-t)/(1-p))/N",
        "dp = (-t/p + (1-t)/(1-p)^2)/N",
        "dz = dp*(1-p)",
    ),
    "linear": (
        "dx = dy @ W.T * x",
        "dx = -dy @ W.T",
        "dW = x.T @ y",
        "dW = x.T @ dy + W",
    ),
    "rnn-cell": (
        "da = dh*(1 - a^2)",
        "da = dh*(1 + h^2)",
        "dp = (da @ U.T)*(1-p^2)",
        "dp = da @ (U + U.T)/2",
    ),
    "attention": (
        "dV = P.T @ dO / N",
        "dP = dO @ V.T - sum(P*(dO@V.T))",
        "dS = P*(dP - sum(dP*P) + mean(dP*P))",
        "dQ = dS @ K / D^(1/3)",
    ),
    "dot-product-variance": (
        "v1 = a*b + a",
        "v1 = 1",
        "var = D",
        "scaled = 1/D",
    ),
    "softmax": (
        "dS = P*(dP - mean(dP))",
        "dS = P*(dP - max(dP*P))",
        "dS = softmax(S, 0)*(dP - sum(dP*softmax(S,0)))",
        "dS = P*(dP - 2*sum(dP*P))",
    ),
    "softmax-jacobian": (
        "J = diag(p) - outer(p, s)",
        "J = diag(p) - outer(p,p)/M",
        "J = diag(exp(s)) - outer(p,p)",
        "J = diag(p) - outer(p, 1-p)",
    ),
    "mean-pool": (
        "dx = keep*dy/(n+1)",
        "dx = keep*dy/D",
        "dx = keep*dy/n + x*(1-keep)",
        "dx = keep*(dy - y)/n",
    ),
    "rope": (
        "dq1 = dy1*cos(theta) + dy1*sin(theta)",
        "dq1 = (dy1*cos(theta) + dy2*sin(theta))/2",
        "dq1 = dy1*cos(theta) + dy2*theta",
        "dq1 = q1*cos(theta) - q2*sin(theta)",
    ),
    "residual": (
        "dh = dy @ W",
        "dh = dy @ U.T * h",
        "dU = tanh(h).T @ dy",
        "dx = dy + (dh*(1-h^2)) @ W.T + x",
    ),
    "layer-norm": (
        "dbeta = sum(y, 0)",
        "dgamma = sum(dxhat*xhat, 0)",
        "dxhat = dy*gamma*r",
        "dx = r*(dxhat - mean(dxhat, all) - xhat*mean(dxhat*xhat))",
    ),
    "rms-norm": (
        "dgamma = sum(x*r, 0)",
        "dgamma = sum(dy, 0)",
        "dx = r*(dy*gamma - 2*x*r*mean(dy*gamma*x*r))",
        "dx = r*(dy*gamma - r*mean(dy*gamma*x*r))",
    ),
    "gelu": (
        "dx = dy*(Phi(x) + x*Phi(x)*(1 - Phi(x)))",
        "dx = dy*(Phi(x) + x*phi(x)) + 1e-5",
        "dx = dy*y*(1 + phi(x))",
        "dx = dy*(1 - Phi(x) + x*phi(x))",
    ),
    "swiglu": (
        "db = dh*a*s*b",
        "db = a*s",
        "da = dh*b*s*(1 + a*s)",
        "dW = x.T @ (da*b)",
    ),
    "cross-entropy": (
        "dP = -Y/(P*N) + 1/N",
        "dP = -Y/P^2/N",
        "dz = P - Y/N",
        "dz = P*(1-P)/N",
    ),
    "adam-bias": (
        "Em = (1-beta1^(t+1))*mu",
        "Em = (1+beta1^t)*mu",
        "m_hat = mu/(1-beta1^t)",
        "v_hat = v/(1-(beta2^2)^t)",
    ),
    "label-smoothing": (
        "Q = (1-eps)*Y + eps/N",
        "Q = Y - eps/V",
        "dz = (P-Q)/(N*V)",
        "dz = (Y - Q)/N",
    ),
    "temperature": (
        "dz = P*(dP - sum(dP*P)/tau)",
        "dz = P*(dP - sum(dP*P, 0))/tau",
        "dtau = -sum(dz*z, all)/tau/N",
        "dtau = -sum(dP*P, all)/tau",
    ),
    "lora": (
        "dB = alpha/R * A.T @ x.T @ y",
        "dB = -alpha/R * (x @ A).T @ dy",
        "dB = alpha/R*(x@A).T @ dy + B",
        "dA = alpha/R * x.T @ x @ A",
    ),
    "distillation": (
        "dQ = -tau*P/Q/N",
        "dQ = -tau^2*P/Q/V",
        "dQ = -tau^2*P/Q^2/N",
        "dz = tau*(Q - P)/(N*V)",
    ),
}


def test_every_derivation_is_here():
    assert RIGHT.keys() == WRONG.keys() == derivations().keys()


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_line_holds_however_it_is_written(name):
    for lines in RIGHT[name]:
        attempt = Attempt.knowing(find_derivation(name))
        verdicts = [attempt.judge(line.strip()) for line in lines.split(";")]
        assert all(verdict.fine for verdict in verdicts) and attempt.held, lines


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_line_that_is_no_known_slip_is_refused_and_not_named(name):
    for line in WRONG[name]:
        verdict = Attempt.knowing(find_derivation(name), but=line.partition(" = ")[0]).judge(line)
        assert verdict.kind == "wrong" and verdict.slip is None and verdict.candidates == (), line

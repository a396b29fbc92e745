"""torch"""
# pip: torch numpy
# again: param net size dtype grad arg_grad sparse arg_sparse
# says: pass it with .detach()
from trying import *
import torch, numpy as np
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
both("state", lambda: net.state_dict())
both("max", lambda: torch.max(torch.ones(2, 2), dim=0))
both("sort", lambda: torch.sort(torch.tensor([3, 1])))
both("svd", lambda: torch.linalg.svd(torch.eye(2)))
both("tensor", lambda: torch.ones(2, 2))
both("param", lambda: net[0].weight)
both("net", lambda: net)
both("size", lambda: torch.ones(2).shape)
both("dtype", lambda: torch.float32)
arg("device", torch.device("cpu"))
both("grad", lambda: net(torch.ones(2, 2)))
both("detached", lambda: net(torch.ones(2, 2)).detach())
both("sparse", lambda: torch.eye(2).to_sparse())
both("optim", lambda: torch.optim.SGD(net.parameters(), lr=0.1).state_dict())
arg("optimizer", torch.optim.SGD(net.parameters(), lr=0.1))
arg("loader", torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(2))))
arg("dataset", torch.utils.data.TensorDataset(torch.ones(2)))
arg("generator", torch.Generator())
both("bf16", lambda: torch.ones(2, dtype=torch.bfloat16))

"""The mathematics: labelled blocks, the sparse standard form, balances, ledger and reductions."""

"""The queue for agents: a server of the Model Context Protocol over standard input and output, and its ten tools.

It promises that stdout has nothing but messages, that no message ends the server, that an agent inside an attempt
sees its own task and that task's children alone, and that what others wrote stands under `data`. It may import `view`
and what that stands on.
"""

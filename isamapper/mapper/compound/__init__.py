"""Instructions of several statements: where they are found in a kernel, and on what conditions.

Entry point: :func:`isamapper.mapper.compound.find.find_joint_mappings`.
"""

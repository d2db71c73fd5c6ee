"""Whose a file is, and who may write it."""

import os
import stat


def is_own(status: os.stat_result) -> bool:
    """Does it belong to the user that this process works for?"""
    return status.st_uid == os.geteuid()


def only_own(status: os.stat_result) -> bool:
    """Does it belong to this user, and can no other user write it?"""
    return is_own(status) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)

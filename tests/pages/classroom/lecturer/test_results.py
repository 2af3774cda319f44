"""What is kept of a class: the table, the summary page and the change between rounds, against perfcore."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime

import numpy as np
import pytest

from pages.classroom.answers import read_answer
from pages.classroom.lecturer.change import change_between, comparable_rounds, repeated_rounds
from pages.classroom.lecturer.results_csv import COLUMNS, results_csv
from pages.classroom.lecturer.summary_page import percent, summary_html
from pages.classroom.lecturer.task_builder import case_task, quiz_task
from pages.classroom.room import Room
from pages.ui.escape import spreadsheet_text
from perfcore.teaching.class_statistics import PUBLISHED
from tests.pages.classroom.lecturer.conftest import class_curves, drawn
from tests.support.class_server import task_case
from tests.support.html_page import MADE

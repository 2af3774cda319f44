"""Class page: the lecturer opens a room and leads it."""

from pages.classroom.lecturer import room_view

room_view.show()

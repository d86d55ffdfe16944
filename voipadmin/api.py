"""What every REST view shares."""

from rest_framework.pagination import PageNumberPagination
from rest_framework.views import exception_handler


class Pagination(PageNumberPagination):
    """Pages of 50, or of what the caller asks up to 1000."""

    page_size_query_param = "page_size"
    max_page_size = 1000


problem_response = exception_handler

"""What stands under "Copy as code" (code.js): the same picture from a program."""

__all__ = ["python_call"]


def python_call(result: str, arguments: str, endpoint: str) -> str:
    """The lines that ask an endpoint; the browser puts the app's own address in the place of ADDRESS."""
    names = "Client, handle_file" if "handle_file(" in arguments else "Client"
    return (f"from gradio_client import {names}\n\nclient = Client(ADDRESS)\n"
            f"{result} = client.predict({arguments}, api_name=\"/{endpoint}\")")

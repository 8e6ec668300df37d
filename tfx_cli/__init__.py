"""The face of tfx: parse -> call tfx or lessons -> render.  No maths here, and no heavy import at module level."""

"""A textured mesh of a radiance scene."""

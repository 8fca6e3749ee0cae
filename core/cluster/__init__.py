"""Looking at the PostgreSQL server itself: is it safe, is it in shape?"""
